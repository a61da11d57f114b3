#include "engine/filesystem/watcher.h"

#include <chrono>
#include <fstream>
#include <thread>

#include <doctest/doctest.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/filesystem/disk_tree.h"
#include "tests/support/other_user.h"
#include "tests/support/temp_dir.h"

using namespace diaryx;
using namespace diaryx::filesystem;

namespace {

namespace fs = std::filesystem;
using Names = std::set<std::string>;

std::unique_ptr<Watcher> watch(const fs::path& root) {
  auto watcher = Watcher::open(root);
  REQUIRE(watcher);
  return std::move(*watcher);
}

struct Seen {
  Names paths;
  bool rescan = false;
};

// Everything that is told until nothing has come for a while.
Seen gather(Watcher& watcher) {
  Seen seen;
  for (;;) {
    const auto changes = watcher.wait(60);
    REQUIRE(changes);
    if (changes->paths.empty() && !changes->rescan) return seen;
    for (const WorkspacePath& path : changes->paths) seen.paths.insert(path.str());
    seen.rescan = seen.rescan || changes->rescan;
  }
}

std::int64_t ms_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() -
                                                               start)
      .count();
}

}  // namespace

TEST_SUITE("filesystem/watcher") {
  TEST_CASE("what happens to files is told by path, anywhere below the root") {
    const test::TempDir dir;
    dir.write("a.md", "text");
    dir.write("x/y/b.md", "text");
    dir.write("x/gone.md", "text");
    dir.write("x/from.md", "text");
    dir.write("x/mode.md", "text");
    const auto watcher = watch(dir.path());
    CHECK(gather(*watcher).paths.empty());
    dir.write("a.md", "new");
    dir.write("x/y/c.png", "new");
    fs::remove(dir.path() / "x/gone.md");
    fs::rename(dir.path() / "x/from.md", dir.path() / "x/y/to.md");
    fs::permissions(dir.path() / "x/mode.md", fs::perms(0600));
    const Seen seen = gather(*watcher);
    CHECK(seen.paths ==
          Names{"a.md", "x/y/c.png", "x/gone.md", "x/from.md", "x/y/to.md", "x/mode.md"});
    CHECK_FALSE(seen.rescan);
  }

  TEST_CASE("a file that stays open is told with each write, not only when it is closed") {
    const test::TempDir dir;
    const auto watcher = watch(dir.path());
    std::ofstream out(dir.path() / "log.md");
    CHECK(gather(*watcher).paths == Names{"log.md"});
    out << "more" << std::flush;
    CHECK(gather(*watcher).paths == Names{"log.md"});
  }

  TEST_CASE("hidden files and folders, our own temporary files among them, are not told") {
    const test::TempDir dir;
    fs::create_directory(dir.path() / ".diaryx");
    const auto watcher = watch(dir.path());
    dir.write(".hidden.md", "text");
    dir.write(".diaryx/store.db", "text");
    dir.write(".git/config", "text");
    dir.write(".new/a.md", "text");
    fs::remove_all(dir.path() / ".git");
    const Seen none = gather(*watcher);
    CHECK(none.paths.empty());
    CHECK_FALSE(none.rescan);
    const auto tree = DiskTree::open(dir.path());
    REQUIRE((*tree)->replace(*WorkspacePath::parse("a.md"), "text", Expected{}));
    REQUIRE(
        (*tree)->replace(*WorkspacePath::parse("a.md"), "new", Expected{sha256(as_bytes("text"))}));
    CHECK(gather(*watcher).paths == Names{"a.md"});
    REQUIRE((*tree)->trash(*WorkspacePath::parse("a.md"), Expected{sha256(as_bytes("new"))}));
    CHECK(gather(*watcher).paths == Names{"a.md"});
  }

  TEST_CASE("files in new folders are told, however fast they come") {
    const test::TempDir dir;
    const auto watcher = watch(dir.path());
    Names expected;
    for (int i = 0; i < 60; ++i) {
      const std::string name = "n" + std::to_string(i) + "/a/b/c.md";
      dir.write(name, "text");
      expected.insert(name);
    }
    CHECK(gather(*watcher).paths == expected);
    dir.write("n7/a/b/d.md", "text");
    CHECK(gather(*watcher).paths == Names{"n7/a/b/d.md"});
  }

  TEST_CASE("a folder that is moved asks for a rescan, and is watched where it went") {
    const test::TempDir dir;
    dir.write("old/sub/a.md", "text");
    const auto watcher = watch(dir.path());
    fs::rename(dir.path() / "old", dir.path() / "new");
    Seen seen = gather(*watcher);
    CHECK(seen.rescan);
    CHECK(seen.paths.count("new/sub/a.md") == 1);
    dir.write("new/sub/a.md", "more");
    seen = gather(*watcher);
    CHECK(seen.paths == Names{"new/sub/a.md"});
    CHECK_FALSE(seen.rescan);
    dir.write("old/sub/b.md", "a new folder of the old name");
    CHECK(gather(*watcher).paths == Names{"old/sub/b.md"});
  }

  TEST_CASE("a folder moved into a new one in the same breath is told by its new name") {
    const test::TempDir dir;
    dir.write("old/sub/a.md", "text");
    const auto watcher = watch(dir.path());
    fs::create_directory(dir.path() / "new");
    fs::rename(dir.path() / "old", dir.path() / "new" / "old");
    CHECK(gather(*watcher).rescan);
    dir.write("new/old/sub/a.md", "more");
    CHECK(gather(*watcher).paths == Names{"new/old/sub/a.md"});
  }

  TEST_CASE("a folder moved out of the root is not watched any longer, one moved in is") {
    const test::TempDir dir;
    const test::TempDir outside;
    dir.write("goes/a.md", "text");
    outside.write("comes/b.md", "text");
    const auto watcher = watch(dir.path());
    fs::rename(dir.path() / "goes", outside.path() / "gone");
    CHECK(gather(*watcher).rescan);
    outside.write("gone/a.md", "more");
    CHECK(gather(*watcher).paths.empty());
    fs::rename(outside.path() / "comes", dir.path() / "came");
    CHECK(gather(*watcher).paths == Names{"came/b.md"});
    dir.write("came/b.md", "more");
    CHECK(gather(*watcher).paths == Names{"came/b.md"});
  }

  TEST_CASE("a folder that was deleted and made again is watched again") {
    const test::TempDir dir;
    dir.write("x/y/a.md", "text");
    const auto watcher = watch(dir.path());
    for (int i = 0; i < 3; ++i) {
      fs::remove_all(dir.path() / "x");
      CHECK(gather(*watcher).paths == Names{"x/y/a.md"});
      dir.write("x/y/a.md", "text");
      CHECK(gather(*watcher).paths == Names{"x/y/a.md"});
    }
  }

  TEST_CASE("what a link points at is not watched") {
    const test::TempDir dir;
    const test::TempDir outside;
    fs::create_directory_symlink(outside.path(), dir.path() / "link");
    const auto watcher = watch(dir.path());
    outside.write("a.md", "text");
    CHECK(gather(*watcher).paths.empty());
    fs::create_directory_symlink(outside.path(), dir.path() / "later");
    CHECK(gather(*watcher).paths == Names{"later"});
    outside.write("b.md", "text");
    CHECK(gather(*watcher).paths.empty());
  }

  TEST_CASE(
      "more events than the queue holds ask for a rescan, and new folders are watched all the "
      "same") {
    const test::TempDir dir;
    const auto watcher = watch(dir.path());
    std::ifstream limit_file("/proc/sys/fs/inotify/max_queued_events");
    int limit = 0;
    limit_file >> limit;
    if (limit < 1 || limit > 50'000) {
      MESSAGE("the queue is too long to overflow it here: skipped");
      return;
    }
    // Two files in turn: equal events that follow each other are merged.
    dir.write("a.md", "");
    dir.write("b.md", "");
    for (int i = 0; i < limit; ++i) {
      fs::permissions(dir.path() / (i % 2 == 0 ? "a.md" : "b.md"),
                      fs::perms(i % 4 < 2 ? 0600 : 0644));
    }
    dir.write("new/c.md", "text");
    CHECK(gather(*watcher).rescan);
    dir.write("new/c.md", "more");
    CHECK(gather(*watcher).paths == Names{"new/c.md"});
  }

  TEST_CASE("a root that is moved or deleted is an error, for good") {
    for (const bool move : {true, false}) {
      const test::TempDir dir;
      const fs::path root = dir.path() / "root";
      fs::create_directory(root);
      const auto watcher = watch(root);
      if (move) {
        fs::rename(root, dir.path() / "elsewhere");
      } else {
        fs::remove(root);
      }
      for (int i = 0; i < 2; ++i) {
        const auto changes = watcher->wait(1000);
        REQUIRE_FALSE(changes);
        CHECK(changes.error().code == ErrorCode::NotFound);
      }
    }
  }

  TEST_CASE("waiting ends in time when nothing happens, and soon when something does") {
    const test::TempDir dir;
    const auto watcher = watch(dir.path());
    auto start = std::chrono::steady_clock::now();
    CHECK(watcher->wait(50)->paths.empty());
    CHECK(ms_since(start) >= 50);
    CHECK(watcher->wait(0)->paths.empty());
    std::thread other([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(30));
      dir.write("a.md", "text");
    });
    start = std::chrono::steady_clock::now();
    CHECK(watcher->wait(60'000)->paths.size() == 1);
    CHECK(ms_since(start) < 30'000);
    other.join();
  }

  TEST_CASE("another thread can end the waiting, also before it begins") {
    const test::TempDir dir;
    const auto watcher = watch(dir.path());
    const auto start = std::chrono::steady_clock::now();
    watcher->wake();
    CHECK(watcher->wait(60'000)->paths.empty());
    std::thread other([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(30));
      watcher->wake();
    });
    CHECK(watcher->wait(60'000)->paths.empty());
    other.join();
    CHECK(ms_since(start) < 30'000);
    const auto again = std::chrono::steady_clock::now();
    (void)watcher->wait(20);
    CHECK(ms_since(again) >= 20);
  }

  TEST_CASE("a folder that may be read only later is watched from then on") {
    const test::TempDir dir;
    fs::permissions(dir.path(), fs::perms(0777));
    const int answer = test::as_ordinary_user([&] {
      const fs::path folder = dir.path() / "locked";
      fs::create_directory(folder);
      std::ofstream(folder / "a.md") << "text";
      fs::permissions(folder, fs::perms(0));
      auto watcher = Watcher::open(dir.path());
      if (!watcher || (*watcher)->shortage()) return 1;
      fs::permissions(folder, fs::perms(0700));
      const auto opened = (*watcher)->wait(5000);
      if (!opened || opened->paths.size() != 1) return 2;
      std::ofstream(folder / "a.md") << "more";
      const auto changed = (*watcher)->wait(5000);
      return changed && changed->paths.size() == 1 ? 0 : 3;
    });
    CHECK(answer == 0);
  }

  TEST_CASE(
      "when the system has no watches left, that is said with the remedy and a rescan asked for, "
      "and it goes on once there are some") {
    const test::TempDir dir;
    for (int i = 0; i < 20; ++i) dir.write("d" + std::to_string(i) + "/a.md", "text");
    const pid_t pid = ::fork();
    REQUIRE(pid >= 0);
    if (pid == 0) {
      // A user namespace has limits of its own.
      if (::unshare(CLONE_NEWUSER) != 0) ::_exit(100);
      std::ofstream("/proc/sys/user/max_inotify_watches") << "7" << std::flush;
      std::ifstream limit_file("/proc/sys/user/max_inotify_watches");
      int limit = 0;
      limit_file >> limit;
      if (limit != 7) ::_exit(100);
      auto watcher = Watcher::open(dir.path());
      if (!watcher || !(*watcher)->shortage()) ::_exit(1);
      const auto first = (*watcher)->wait(60'000);
      if (!first || !first->rescan) ::_exit(2);
      const Error why = *(*watcher)->shortage();
      if (why.message !=
              "14 of 21 folders cannot be watched: the system's limit "
              "user.max_inotify_watches is 7" ||
          why.hint.find("sysctl user.max_inotify_watches=") == std::string::npos)
        ::_exit(3);
      const auto second = (*watcher)->wait(0);
      if (!second || second->rescan) ::_exit(4);
      // What has a watch still works.
      std::ofstream(dir.path() / "top.md") << "text" << std::flush;
      const auto third = (*watcher)->wait(5000);
      if (!third || third->paths.size() != 1) ::_exit(5);
      // More may be watched: then so is what was left out, and what came into it meanwhile.
      std::filesystem::create_directories(dir.path() / "d0/in");
      std::filesystem::create_directories(dir.path() / "d19/in");
      if ((*watcher)->retry()) ::_exit(6);
      std::ofstream("/proc/sys/user/max_inotify_watches") << "100" << std::flush;
      if (!(*watcher)->retry() || (*watcher)->shortage() || (*watcher)->folders() != 23) ::_exit(7);
      (void)(*watcher)->wait(0);
      for (const char* name : {"d0/in/a.md", "d5/a.md", "d19/in/a.md"})
        std::ofstream(dir.path() / name) << "text" << std::flush;
      const auto fourth = (*watcher)->wait(5000);
      ::_exit(fourth && fourth->paths.size() == 3 && !fourth->rescan ? 0 : 8);
    }
    int status = 0;
    REQUIRE(::waitpid(pid, &status, 0) == pid);
    REQUIRE(WIFEXITED(status));
    if (WEXITSTATUS(status) == 100) {
      MESSAGE("no user namespaces here: skipped");
      return;
    }
    CHECK(WEXITSTATUS(status) == 0);
  }
}
