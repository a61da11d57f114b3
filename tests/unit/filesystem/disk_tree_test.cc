// What only a real disk has: permissions, full disks, links, other file systems.
#include "engine/filesystem/disk_tree.h"

#include <atomic>
#include <chrono>
#include <fstream>
#include <set>
#include <thread>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "tests/support/other_user.h"
#include "tests/support/temp_dir.h"

using namespace diaryx;
using namespace diaryx::filesystem;

namespace {

namespace fs = std::filesystem;

WorkspacePath path(std::string_view text) {
  auto parsed = WorkspacePath::parse(text);
  DX_CHECK(parsed.has_value());
  return *parsed;
}

Expected is(std::string_view bytes) {
  return {sha256(as_bytes(bytes))};
}
const Expected kNone{};

std::unique_ptr<DiskTree> open_tree(const fs::path& root, DiskTree::Options options = {}) {
  auto tree = DiskTree::open(root, std::move(options));
  DX_CHECK(tree.has_value());
  return std::move(*tree);
}

// Every name below a folder, hidden ones too.
std::set<std::string> everything(const fs::path& root) {
  std::set<std::string> all;
  for (const auto& item : fs::recursive_directory_iterator(root))
    all.insert(item.path().lexically_relative(root).string());
  return all;
}

// A file system of its own, mounted on a folder; only root can make one.
class Mount {
 public:
  explicit Mount(const char* options) {
    mounted_ = ::mount("none", dir_.path().c_str(), "tmpfs", 0, options) == 0;
  }
  ~Mount() {
    if (mounted_) (void)::umount2(dir_.path().c_str(), MNT_DETACH);
  }
  explicit operator bool() const { return mounted_; }
  const test::TempDir& dir() const { return dir_; }
  bool make_read_only() {
    return ::mount("none", dir_.path().c_str(), "tmpfs", MS_REMOUNT | MS_RDONLY, nullptr) == 0;
  }

 private:
  test::TempDir dir_;
  bool mounted_ = false;
};

}  // namespace

TEST_SUITE("filesystem/disk_tree") {
  TEST_CASE("a root that is not there, or no folder, is an error; one behind a link is not") {
    const test::TempDir dir;
    CHECK(DiskTree::open(dir.path() / "none").error().code == ErrorCode::NotFound);
    dir.write("file", "text");
    CHECK(DiskTree::open(dir.path() / "file").error().code == ErrorCode::NotAllowed);
    fs::create_directory(dir.path() / "real");
    fs::create_directory_symlink("real", dir.path() / "link");
    const auto tree = open_tree(dir.path() / "link");
    REQUIRE(tree->replace(path("a.md"), "text", kNone));
    CHECK(dir.read("real/a.md") == "text");
  }

  TEST_CASE("a link in place of a folder leads nowhere, whoever put it there and when") {
    for (const auto how : {ConfinedRoot::Resolve::Auto, ConfinedRoot::Resolve::ByComponent}) {
      const test::TempDir dir;
      const test::TempDir outside;
      outside.write("a.md", "secret");
      fs::create_directories(dir.path() / "x" / "y");
      dir.write("x/y/a.md", "text");
      DiskTree::Options options;
      options.resolve = how;
      const auto tree = open_tree(dir.path(), options);
      REQUIRE(tree->read(path("x/y/a.md"), 99));
      fs::remove_all(dir.path() / "x" / "y");
      for (const fs::path& target : {outside.path(), fs::path("../../../../../../../etc"),
                                     fs::path("../y2"), fs::path("/")}) {
        fs::create_directory_symlink(target, dir.path() / "x" / "y");
        for (const char* name : {"x/y/a.md", "x/y/z/a.md"}) {
          CHECK(tree->read(path(name), 99).error().code == ErrorCode::NotAllowed);
          CHECK(tree->stat(path(name)).error().code == ErrorCode::NotAllowed);
          CHECK(tree->replace(path(name), "evil", kNone).error().code == ErrorCode::NotAllowed);
          CHECK(tree->replace(path(name), "evil", is("secret")).error().code ==
                ErrorCode::NotAllowed);
          CHECK(tree->trash(path(name), is("secret")).error().code == ErrorCode::NotAllowed);
        }
        const auto listing = tree->list();
        REQUIRE(listing);
        CHECK(listing->files.empty());
        CHECK(listing->skipped.size() == 1);
        fs::remove(dir.path() / "x" / "y");
      }
      CHECK(outside.read("a.md") == "secret");
    }
  }

  TEST_CASE("a folder that becomes a link during a replacement does not lead it out") {
    const test::TempDir dir;
    const test::TempDir outside;
    outside.write("a.md", "old");
    dir.write("x/a.md", "old");
    DiskTree::Options options;
    options.before_step = [&](std::string_view step) {
      if (step != "create") return;
      fs::rename(dir.path() / "x", dir.path() / "x-moved");
      fs::create_directory_symlink(outside.path(), dir.path() / "x");
    };
    const auto tree = open_tree(dir.path(), options);
    CHECK(tree->replace(path("x/a.md"), "new", is("old")));
    CHECK(outside.read("a.md") == "old");
    CHECK(dir.read("x-moved/a.md") == "new");  // Where the folder that was meant is now.
  }

  TEST_CASE("files and folders that turn into links and back are never followed") {
    for (const auto how : {ConfinedRoot::Resolve::Auto, ConfinedRoot::Resolve::ByComponent}) {
      const test::TempDir dir;
      const test::TempDir outside;
      outside.write("a.md", "secret");
      dir.write("x/a.md", "text");
      dir.write("file.md", "text");
      fs::create_symlink(outside.path() / "a.md", dir.path() / "file-link");
      fs::create_directory_symlink(outside.path(), dir.path() / "x-link");
      const auto swap = [&](const char* a, const char* b) {
        (void)::renameat2(AT_FDCWD, (dir.path() / a).c_str(), AT_FDCWD, (dir.path() / b).c_str(),
                          RENAME_EXCHANGE);
      };
      std::atomic<bool> stop = false;
      std::thread other([&] {
        while (!stop) {
          swap("file.md", "file-link");
          swap("x", "x-link");
        }
      });
      DiskTree::Options options;
      options.resolve = how;
      const auto tree = open_tree(dir.path(), options);
      int secrets = 0;
      int texts = 0;
      for (int i = 0; i < 30'000; ++i) {
        const auto content = tree->read(path(i % 2 == 0 ? "file.md" : "x/a.md"), 99);
        secrets += content && content->bytes == "secret" ? 1 : 0;
        texts += content && content->bytes == "text" ? 1 : 0;
      }
      stop = true;
      other.join();
      CHECK(secrets == 0);
      CHECK(texts > 0);
    }
  }

  TEST_CASE("a link to itself and a folder that contains itself do no harm") {
    const test::TempDir dir;
    dir.write("a/b.md", "text");
    fs::create_symlink("loop.md", dir.path() / "loop.md");
    fs::create_directory_symlink("..", dir.path() / "a" / "up");
    const auto listing = open_tree(dir.path())->list();
    REQUIRE(listing);
    CHECK(listing->files.size() == 1);
    CHECK(listing->skipped.size() == 2);
  }

  TEST_CASE("names of 255 octets are skipped with a reason, those of 200 work") {
    const test::TempDir dir;
    const std::string longest = std::string(197, 'a') + ".md";
    dir.write(std::string(252, 'b') + ".md", "text");
    dir.write(longest, "text");
    const auto tree = open_tree(dir.path());
    const auto listing = tree->list();
    REQUIRE(listing->files.size() == 1);
    REQUIRE(listing->skipped.size() == 1);
    CHECK(listing->skipped[0].reason.find("255 octets") != std::string::npos);
    REQUIRE(tree->replace(path(longest), "new", is("text")));
    CHECK(dir.read(longest) == "new");
  }

  TEST_CASE("a very deep tree is walked without running out of anything") {
    const test::TempDir dir;
    std::string deep;
    for (int i = 0; i < 500; ++i) deep += "d/";
    const auto tree = open_tree(dir.path());
    REQUIRE(tree->replace(path(deep + "a.md"), "text", kNone));
    CHECK(tree->list()->files.size() == 1);
    // Too deep for a WorkspacePath: told once, at the folder where it begins.
    fs::create_directories(dir.path() / deep / "123456789012345678901234" / "x");
    const auto listing = tree->list();
    CHECK(listing->files.size() == 1);
    REQUIRE(listing->skipped.size() == 1);
    CHECK(listing->skipped[0].path == deep + "123456789012345678901234/x");
  }

  TEST_CASE(
      "a folder and a file that may not be read are told, and nothing below them counts as gone") {
    const test::TempDir dir;
    dir.write("open.md", "text");
    dir.write("locked/a.md", "text");
    dir.write("file.md", "text");
    fs::permissions(dir.path(), fs::perms(0755));
    fs::permissions(dir.path() / "locked", fs::perms(0));
    fs::permissions(dir.path() / "file.md", fs::perms(0));
    const int answer = test::as_ordinary_user([&] {
      const auto tree = open_tree(dir.path());
      const auto listing = tree->list();
      if (!listing || listing->files.size() != 2) return 1;
      if (listing->skipped.size() != 1 || listing->skipped[0].path != "locked") return 2;
      if (listing->skipped[0].reason != "permission denied") return 3;
      if (!listing->unknown(path("locked/a.md"))) return 4;
      const auto file = tree->read(path("file.md"), 99);
      if (file || file.error().code != ErrorCode::NotAllowed) return 5;
      const auto below = tree->read(path("locked/a.md"), 99);
      if (below || below.error().code != ErrorCode::NotAllowed) return 6;
      return 0;
    });
    CHECK(answer == 0);
    fs::permissions(dir.path() / "locked", fs::perms(0755));
  }

  TEST_CASE(
      "a folder that may not be written and a read-only file are refused with their reason, and "
      "left whole") {
    const test::TempDir dir;
    dir.write("locked/a.md", "old");
    dir.write("open/read-only.md", "old");
    fs::permissions(dir.path(), fs::perms(0755));
    fs::permissions(dir.path() / "locked", fs::perms(0555));
    fs::permissions(dir.path() / "open", fs::perms(0777));
    fs::permissions(dir.path() / "open" / "read-only.md", fs::perms(0444));
    const int answer = test::as_ordinary_user([&] {
      const auto tree = open_tree(dir.path());
      const auto a = tree->replace(path("locked/a.md"), "new", is("old"));
      if (a || a.error().code != ErrorCode::NotAllowed) return 1;
      const auto b = tree->replace(path("locked/sub/b.md"), "new", kNone);
      if (b || b.error().code != ErrorCode::NotAllowed) return 2;
      const auto c = tree->replace(path("open/read-only.md"), "new", is("old"));
      if (c || c.error().code != ErrorCode::NotAllowed) return 3;
      if (c.error().message.find("read-only") == std::string::npos) return 4;
      const auto d = tree->trash(path("locked/a.md"), is("old"));
      if (d || d.error().code != ErrorCode::NotAllowed) return 5;
      return 0;
    });
    CHECK(answer == 0);
    fs::permissions(dir.path() / "locked", fs::perms(0755));
    CHECK(dir.read("locked/a.md") == "old");
    CHECK(dir.read("open/read-only.md") == "old");
    CHECK(everything(dir.path()).size() == 4);
  }

  TEST_CASE("new files follow the umask; replaced ones keep mode, owner and attributes") {
    const test::TempDir dir;
    const auto tree = open_tree(dir.path());
    const mode_t umask_before = ::umask(027);
    CHECK(tree->replace(path("sub/new.md"), "text", kNone)->mode == 0640);
    struct stat found {};
    REQUIRE(::stat((dir.path() / "sub").c_str(), &found) == 0);
    CHECK((found.st_mode & 07777) == 0750);
    (void)::umask(umask_before);

    const fs::path file = dir.path() / "kept.md";
    dir.write("kept.md", "old");
    REQUIRE(::chmod(file.c_str(), 0664) == 0);
    const bool tagged = ::setxattr(file.c_str(), "user.tag", "blue", 4, 0) == 0;
    const bool owned = ::geteuid() == 0 && ::chown(file.c_str(), 12'345, 23'456) == 0;
    CHECK(tree->replace(path("kept.md"), "new", is("old"))->mode == 0664);
    REQUIRE(::stat(file.c_str(), &found) == 0);
    if (owned) CHECK(found.st_uid == 12'345);
    if (owned) CHECK(found.st_gid == 23'456);
    char tag[8] = {};
    if (tagged) CHECK(::getxattr(file.c_str(), "user.tag", tag, sizeof tag) == 4);
    WARN_MESSAGE(tagged, "no user attributes on this file system: not tested");
    WARN_MESSAGE(owned, "not root: owners not tested");
  }

  TEST_CASE("a group that cannot be kept is not replaced by another with the same rights") {
    if (::geteuid() != 0) {
      MESSAGE("not root: skipped");
      return;
    }
    const test::TempDir dir;
    dir.write("a.md", "old");
    REQUIRE(::chown((dir.path() / "a.md").c_str(), 65'534, 23'456) == 0);
    REQUIRE(::chmod((dir.path() / "a.md").c_str(), 0664) == 0);
    REQUIRE(::chown(dir.path().c_str(), 65'534, 65'534) == 0);
    const int answer = test::as_ordinary_user([&] {
      const auto done = open_tree(dir.path())->replace(path("a.md"), "new", is("old"));
      return done && done->mode == 0644 ? 0 : 1;
    });
    CHECK(answer == 0);
  }

  TEST_CASE("a full disk leaves the old file, no half of a new one, and no folders") {
    const Mount mount("size=256k");
    if (!mount) {
      MESSAGE("cannot mount: skipped");
      return;
    }
    const auto tree = open_tree(mount.dir().path());
    REQUIRE(tree->replace(path("a.md"), "old", kNone));
    const std::string large(1U << 20U, 'x');
    const auto replaced = tree->replace(path("a.md"), large, is("old"));
    REQUIRE_FALSE(replaced);
    CHECK(replaced.error().code == ErrorCode::NoSpace);
    CHECK(replaced.error().message.find("a.md") != std::string::npos);
    CHECK_FALSE(replaced.error().hint.empty());
    const auto made = tree->replace(path("x/y/b.md"), large, kNone);
    REQUIRE_FALSE(made);
    CHECK(made.error().code == ErrorCode::NoSpace);
    CHECK(everything(mount.dir().path()) == std::set<std::string>{"a.md"});
    CHECK(mount.dir().read("a.md") == "old");
  }

  TEST_CASE("a read-only file system is named as such") {
    Mount mount("size=1m");
    if (!mount) {
      MESSAGE("cannot mount: skipped");
      return;
    }
    mount.dir().write("a.md", "old");
    const auto tree = open_tree(mount.dir().path());
    REQUIRE(mount.make_read_only());
    for (const auto& done : {tree->replace(path("a.md"), "new", is("old")),
                             tree->replace(path("b.md"), "new", kNone)}) {
      REQUIRE_FALSE(done);
      CHECK(done.error().code == ErrorCode::NotAllowed);
    }
    const auto trashed = tree->trash(path("a.md"), is("old"));
    REQUIRE_FALSE(trashed);
    CHECK(trashed.error().code == ErrorCode::NotAllowed);
    CHECK(tree->list()->files.size() == 1);
  }

  TEST_CASE("a root whose file system is unmounted is not listed as empty") {
    const test::TempDir dir;
    const fs::path root = dir.path() / "root";
    fs::create_directory(root);
    if (::mount("none", root.c_str(), "tmpfs", 0, "size=1m") != 0) {
      MESSAGE("cannot mount: skipped");
      return;
    }
    dir.write("root/a.md", "text");
    const auto tree = open_tree(root);
    CHECK(tree->list()->files.size() == 1);
    REQUIRE(::umount2(root.c_str(), MNT_DETACH) == 0);
    CHECK(tree->list().error().code == ErrorCode::NotFound);
  }

  TEST_CASE("a limit of the file size is an error of the call, not the end of the process") {
    const test::TempDir dir;
    fs::permissions(dir.path(), fs::perms(0777));
    dir.write("a.md", "old");
    fs::permissions(dir.path() / "a.md", fs::perms(0666));
    const int answer = test::as_ordinary_user([&] {
      const struct rlimit limit { 4096, 4096 };
      if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return 1;
      (void)::signal(SIGXFSZ, SIG_IGN);
      const auto done =
          open_tree(dir.path())->replace(path("a.md"), std::string(9000, 'x'), is("old"));
      return !done && done.error().code == ErrorCode::LimitExceeded ? 0 : 2;
    });
    CHECK(answer == 0);
    CHECK(everything(dir.path()) == std::set<std::string>{"a.md"});
    CHECK(dir.read("a.md") == "old");
  }

  TEST_CASE("the trash is private, and a link in its place is refused") {
    const test::TempDir dir;
    dir.write("a.md", "one");
    dir.write("b.md", "two");
    const auto tree = open_tree(dir.path());
    REQUIRE(tree->trash(path("a.md"), is("one")));
    struct stat found {};
    REQUIRE(::stat((dir.path() / ".diaryx" / "trash").c_str(), &found) == 0);
    CHECK((found.st_mode & 0777) == 0700);
    const test::TempDir outside;
    fs::remove_all(dir.path() / ".diaryx");
    fs::create_directory_symlink(outside.path(), dir.path() / ".diaryx");
    CHECK(tree->trash(path("b.md"), is("two")).error().code == ErrorCode::NotAllowed);
    CHECK(dir.read("b.md") == "two");
    CHECK(everything(outside.path()).empty());
  }

  TEST_CASE("what a crashed replacement left goes to the trash, and only that") {
    const test::TempDir dir;
    dir.write("x/.diaryx-abcdefghijklmnop.tmp", "the only copy?");
    dir.write("x/.diaryx-qrstuvwxyzabcdef.tmp", "");
    dir.write("x/.diaryx-mine.tmp", "a person's");
    dir.write("x/a.md", "text");
    const auto tree = open_tree(dir.path());
    REQUIRE(*tree->remove_leftovers() == 0);  // Nothing was listed yet.
    REQUIRE(tree->list());
    const auto removed = tree->remove_leftovers();
    REQUIRE(removed);
    CHECK(*removed == 2);
    CHECK(*tree->remove_leftovers() == 0);
    CHECK_FALSE(dir.exists("x/.diaryx-abcdefghijklmnop.tmp"));
    CHECK_FALSE(dir.exists("x/.diaryx-qrstuvwxyzabcdef.tmp"));
    CHECK(dir.exists("x/.diaryx-mine.tmp"));
    bool kept = false;
    for (const auto& item : fs::recursive_directory_iterator(dir.path() / ".diaryx" / "trash")) {
      kept = kept || item.path().filename() == ".diaryx-abcdefghijklmnop.tmp";
    }
    CHECK(kept);
  }

  TEST_CASE("an upload that is under way is none of what a crash left") {
    const test::TempDir dir;
    dir.write("a.md", "text");
    dir.write(".diaryx-abcdefghijklmnop.tmp", "left");
    DiskTree::Options options;
    options.tidy = true;
    const auto tree = open_tree(dir.path(), options);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    auto writer = tree->start_file(path("b.bin"));
    REQUIRE(writer);
    REQUIRE((*writer)->write("half of "));
    REQUIRE(tree->list());
    CHECK_FALSE(dir.exists(".diaryx-abcdefghijklmnop.tmp"));
    REQUIRE((*writer)->write("it"));
    REQUIRE(tree->install(**writer, std::nullopt));
    CHECK(dir.read("b.bin") == "half of it");
  }

  TEST_CASE("a replacement killed at any step leaves the old file or the new one, whole") {
    for (const char* moment : {"check", "create", "write", "sync", "check again", "rename",
                               "check the old", "remove the old", "sync folder"}) {
      CAPTURE(std::string(moment));
      const test::TempDir dir;
      dir.write("a.md", "old");
      const pid_t pid = ::fork();
      REQUIRE(pid >= 0);
      if (pid == 0) {
        DiskTree::Options options;
        options.before_step = [&](std::string_view step) {
          if (step == moment) ::kill(::getpid(), SIGKILL);
        };
        (void)open_tree(dir.path(), options)->replace(path("a.md"), "new", is("old"));
        ::_exit(0);
      }
      int status = 0;
      ::waitpid(pid, &status, 0);
      REQUIRE(WIFSIGNALED(status));
      const std::string now = dir.read("a.md");
      CHECK((now == "old" || now == "new"));
      const auto tree = open_tree(dir.path());
      REQUIRE(tree->list()->files.size() == 1);
      REQUIRE(tree->remove_leftovers());
      for (const std::string& name : everything(dir.path()))
        CHECK((name == "a.md" || name.starts_with(".diaryx")));
      REQUIRE(tree->replace(path("a.md"), "newer", is(now)));
    }
  }

  TEST_CASE("a reader beside a stream of replacements always sees a whole file") {
    const test::TempDir dir;
    const auto text = [](int n) { return std::string(20'000, static_cast<char>('a' + n % 26)); };
    dir.write("a.md", text(0));
    const pid_t pid = ::fork();
    REQUIRE(pid >= 0);
    if (pid == 0) {
      const auto tree = open_tree(dir.path());
      for (int n = 0;; ++n) {
        if (!tree->replace(path("a.md"), text(n + 1), is(text(n)))) ::_exit(1);
      }
    }
    const auto reader = open_tree(dir.path());
    std::set<char> seen;
    for (int i = 0; i < 300; ++i) {
      const auto content = reader->read(path("a.md"), kMaxNoteBytes);
      REQUIRE(content);
      REQUIRE(content->bytes.size() == 20'000);
      REQUIRE(content->bytes == std::string(20'000, content->bytes[0]));
      seen.insert(content->bytes[0]);
      ::usleep(200);
    }
    ::kill(pid, SIGKILL);
    int status = 0;
    ::waitpid(pid, &status, 0);
    CHECK(WIFSIGNALED(status));
    CHECK(seen.size() > 1);
  }
}

TEST_SUITE("filesystem/disk_file") {
  TEST_CASE("a file that another program has open for writing is read as such, and not replaced") {
    const test::TempDir dir;
    dir.write("a.md", "text");
    const auto tree = DiskTree::open(dir.path());
    const WorkspacePath path = *WorkspacePath::parse("a.md");
    const Expected as_is{sha256(as_bytes("text"))};
    {
      std::ofstream writer(dir.path() / "a.md", std::ios::app);
      const auto read = (*tree)->read(path, 100);
      REQUIRE(read);
      CHECK(read->being_written);
      const auto replaced = (*tree)->replace(path, "new", as_is);
      REQUIRE_FALSE(replaced);
      CHECK(replaced.error().code == ErrorCode::Busy);
      CHECK(dir.read("a.md") == "text");
    }
    const std::ifstream reader(dir.path() / "a.md");
    CHECK_FALSE((*tree)->read(path, 100)->being_written);
    CHECK((*tree)->replace(path, "new", as_is));
  }

  TEST_CASE("a file opened for writing in the middle of a replacement stays where it is") {
    const test::TempDir dir;
    dir.write("a.md", "text");
    std::ofstream writer;
    DiskTree::Options options;
    options.before_step = [&](std::string_view step) {
      if (step == "rename") writer.open(dir.path() / "a.md", std::ios::app);
    };
    const auto tree = DiskTree::open(dir.path(), options);
    const auto replaced =
        (*tree)->replace(*WorkspacePath::parse("a.md"), "new", Expected{sha256(as_bytes("text"))});
    REQUIRE_FALSE(replaced);
    CHECK(replaced.error().code == ErrorCode::Busy);
    writer << " and more" << std::flush;
    CHECK(dir.read("a.md") == "text and more");
    CHECK(std::distance(fs::directory_iterator(dir.path()), fs::directory_iterator()) == 1);
  }

  TEST_CASE("in a root that was deleted, a file that is not found is not known to be deleted") {
    const test::TempDir dir;
    dir.write("root/a.md", "text");
    const auto tree = DiskTree::open(dir.path() / "root");
    std::filesystem::remove_all(dir.path() / "root");
    const auto read = (*tree)->read(*WorkspacePath::parse("a.md"), 100);
    REQUIRE_FALSE(read);
    CHECK(read.error().code == ErrorCode::Io);
  }

  TEST_CASE("a rename never replaces") {
    const test::TempDir dir;
    dir.write("a", "one");
    dir.write("b", "two");
    const Fd folder(::open(dir.path().c_str(), O_RDONLY | O_DIRECTORY));
    CHECK(rename_exclusive(folder.get(), "a", folder.get(), "b") == EEXIST);
    CHECK(dir.read("b") == "two");
    CHECK(rename_exclusive(folder.get(), "a", folder.get(), "c") == 0);
    CHECK(dir.read("c") == "one");
    CHECK(rename_exclusive(folder.get(), "a", folder.get(), "d") == ENOENT);
  }
}
