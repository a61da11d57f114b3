// What every FileTree promises, held against the real disk (with and without the kernel's help) and
// the one in memory.
#include "engine/filesystem/file_tree.h"

#include <functional>
#include <memory>
#include <optional>

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/filesystem/disk_tree.h"
#include "engine/filesystem/memory_tree.h"
#include "tests/support/temp_dir.h"

using namespace diaryx;
using namespace diaryx::filesystem;

namespace {

using Hook = std::function<void(std::string_view)>;

// A tree and the means of another program to change the same files.
class Harness {
 public:
  virtual ~Harness() = default;
  virtual FileTree& tree() = 0;
  virtual void before_step(Hook hook) = 0;
  virtual void edit(std::string_view path, std::string_view bytes) = 0;
  virtual void install(std::string_view path, std::string_view bytes) = 0;
  virtual void erase(std::string_view path) = 0;
  virtual void make_folder(std::string_view path) = 0;
  virtual void make_symlink(std::string_view path) = 0;
  virtual void make_pipe(std::string_view path) = 0;
  virtual void set_mode(std::string_view path, unsigned mode) = 0;
  virtual std::optional<std::string> bytes(std::string_view path) const = 0;
  // Files with temporary names.
  virtual int leftovers() const = 0;
  virtual void go_away() = 0;
  virtual void come_back() = 0;
};

class OnDisk final : public Harness {
 public:
  explicit OnDisk(ConfinedRoot::Resolve how) {
    DiskTree::Options options;
    options.resolve = how;
    options.before_step = [this](std::string_view step) {
      if (hook_) hook_(step);
    };
    auto opened = DiskTree::open(dir_.path(), options);
    REQUIRE(opened);
    tree_ = std::move(*opened);
    CHECK(tree_->root().by_kernel() == (how == ConfinedRoot::Resolve::Auto));
  }
  FileTree& tree() override { return *tree_; }
  void before_step(Hook hook) override { hook_ = std::move(hook); }
  void edit(std::string_view path, std::string_view bytes) override { dir_.write(path, bytes); }
  void install(std::string_view path, std::string_view bytes) override {
    dir_.write("other.swp", bytes);
    std::filesystem::rename(dir_.path() / "other.swp", dir_.path() / path);
  }
  void erase(std::string_view path) override { std::filesystem::remove_all(dir_.path() / path); }
  void make_folder(std::string_view path) override {
    std::filesystem::create_directories(dir_.path() / path);
  }
  void make_symlink(std::string_view path) override {
    std::filesystem::create_symlink("/etc", dir_.path() / path);
  }
  void make_pipe(std::string_view path) override {
    REQUIRE(::mkfifo((dir_.path() / path).c_str(), 0600) == 0);
  }
  void set_mode(std::string_view path, unsigned mode) override {
    REQUIRE(::chmod((dir_.path() / path).c_str(), mode) == 0);
  }
  std::optional<std::string> bytes(std::string_view path) const override {
    if (!dir_.exists(path)) return std::nullopt;
    return dir_.read(path);
  }
  int leftovers() const override {
    int count = 0;
    for (const auto& item : std::filesystem::recursive_directory_iterator(dir_.path())) {
      count += is_temporary_name(item.path().filename().string()) ? 1 : 0;
    }
    return count;
  }
  void go_away() override { std::filesystem::rename(dir_.path(), dir_.path().string() + "-moved"); }
  void come_back() override {
    std::filesystem::rename(dir_.path().string() + "-moved", dir_.path());
  }

 private:
  test::TempDir dir_;
  std::unique_ptr<DiskTree> tree_;
  Hook hook_;
};

class InMemory final : public Harness {
 public:
  FileTree& tree() override { return tree_; }
  void before_step(Hook hook) override { tree_.before_step(std::move(hook)); }
  void edit(std::string_view path, std::string_view bytes) override { tree_.edit(path, bytes); }
  void install(std::string_view path, std::string_view bytes) override {
    tree_.install(path, bytes);
  }
  void erase(std::string_view path) override { tree_.erase(path); }
  void make_folder(std::string_view path) override { tree_.make_folder(path); }
  void make_symlink(std::string_view path) override { tree_.make_symlink(path); }
  void make_pipe(std::string_view path) override { tree_.make_pipe(path); }
  void set_mode(std::string_view path, unsigned mode) override { tree_.set_mode(path, mode); }
  std::optional<std::string> bytes(std::string_view path) const override {
    return tree_.peek(path);
  }
  int leftovers() const override {
    int count = 0;
    for (const auto& item : tree_.files()) count += item.first.ends_with(".tmp") ? 1 : 0;
    return count;
  }
  void go_away() override { tree_.set_gone(true); }
  void come_back() override { tree_.set_gone(false); }

 private:
  ManualClock clock_;
  MemoryTree tree_{clock_};
};

constexpr const char* kEveryTree[] = {"disk, by the kernel", "disk, by component", "memory"};

std::unique_ptr<Harness> make(std::string_view kind) {
  if (kind == kEveryTree[0]) return std::make_unique<OnDisk>(ConfinedRoot::Resolve::Auto);
  if (kind == kEveryTree[1]) return std::make_unique<OnDisk>(ConfinedRoot::Resolve::ByComponent);
  return std::make_unique<InMemory>();
}

WorkspacePath path(std::string_view text) {
  auto parsed = WorkspacePath::parse(text);
  REQUIRE(parsed);
  return *parsed;
}

Expected is(std::string_view bytes) {
  return {sha256(as_bytes(bytes))};
}
const Expected kNone{};

template <class T>
ErrorCode code(const Result<T>& result) {
  REQUIRE_FALSE(result);
  return result.error().code;
}

std::vector<std::string> names(const Listing& listing) {
  std::vector<std::string> all;
  for (const Listed& file : listing.files) all.push_back(file.path.str());
  return all;
}

using Names = std::vector<std::string>;

}  // namespace

TEST_SUITE("filesystem/file_tree") {
  TEST_CASE("files are listed sorted, hidden ones left out, whatever their extension") {
    for (const char* kind : kEveryTree) {
      CAPTURE(std::string(kind));
      const auto harness = make(kind);
      Harness& t = *harness;
      CHECK(t.tree().list()->files.empty());
      for (const char* file : {"b.md", "a/z.md", "a/b/c.png", "a.md", "a-b.md", ".hidden.md",
                               "a/.b/c.md", ".git/config", ".diaryx/x.md"}) {
        t.edit(file, "text");
      }
      t.make_folder("empty");
      const auto listing = t.tree().list();
      REQUIRE(listing);
      CHECK(names(*listing) == Names{"a-b.md", "a.md", "a/b/c.png", "a/z.md", "b.md"});
      CHECK(listing->skipped.empty());
      CHECK(listing->files[0].stat.size == 4);
      CHECK(listing->files[0].stat == **t.tree().stat(path("a-b.md")));
    }
  }

  TEST_CASE("links, pipes named like Markdown and impossible names are skipped with a reason") {
    for (const char* kind : kEveryTree) {
      CAPTURE(std::string(kind));
      const auto harness = make(kind);
      Harness& t = *harness;
      t.edit("good.md", "text");
      t.edit("back\\slash.md", "text");
      t.edit("bell\a/inside.md", "text");
      t.edit("not\xFFutf8.md", "text");
      t.edit(std::string(201, 'n'), "text");
      t.make_symlink("link.md");
      t.make_symlink("linked");
      t.make_pipe("pipe.md");
      t.make_pipe("pipe");
      const auto listing = t.tree().list();
      REQUIRE(listing);
      CHECK(names(*listing) == Names{"good.md"});
      Names skipped;
      for (const Skipped& s : listing->skipped) {
        skipped.push_back(s.path);
        CHECK_FALSE(s.reason.empty());
      }
      CHECK(skipped == Names{"back\\slash.md", "bell\a", "link.md", "linked", std::string(201, 'n'),
                             "not\xFFutf8.md", "pipe.md"});
      CHECK(listing->unknown(path("link.md")));
      CHECK(listing->unknown(path("linked/a/b.md")));
      CHECK_FALSE(listing->unknown(path("good.md")));
      CHECK_FALSE(listing->unknown(path("linked-not.md")));
    }
  }

  TEST_CASE("Markdown that is too large is only reported, other large files are listed") {
    for (const char* kind : kEveryTree) {
      CAPTURE(std::string(kind));
      const auto harness = make(kind);
      Harness& t = *harness;
      const std::string large(kMaxNoteBytes + 1, 'x');
      t.edit("large.MD", large);
      t.edit("large.png", large);
      t.edit("limit.md", large.substr(1));
      const auto listing = t.tree().list();
      REQUIRE(listing);
      CHECK(names(*listing) == Names{"large.png", "limit.md"});
      REQUIRE(listing->skipped.size() == 1);
      CHECK(listing->skipped[0].reason == "larger than 16 MiB");
    }
  }

  TEST_CASE("a root that is not in its place is an error, not an empty listing") {
    for (const char* kind : kEveryTree) {
      CAPTURE(std::string(kind));
      const auto harness = make(kind);
      Harness& t = *harness;
      t.edit("a.md", "text");
      t.go_away();
      CHECK(code(t.tree().list()) == ErrorCode::NotFound);
      t.come_back();
      CHECK(t.tree().list()->files.size() == 1);
    }
  }

  TEST_CASE("a file is read whole, with its stat") {
    for (const char* kind : kEveryTree) {
      CAPTURE(std::string(kind));
      const auto harness = make(kind);
      Harness& t = *harness;
      const std::string text(
          "\xEF\xBB\xBF"
          "a\r\n\0b",
          8);
      t.edit("a/b.md", text);
      const auto content = t.tree().read(path("a/b.md"), kMaxNoteBytes);
      REQUIRE(content);
      CHECK(content->bytes == text);
      CHECK(content->stat.size == 8);
      CHECK(content->stat == **t.tree().stat(path("a/b.md")));
      t.edit("empty.md", "");
      CHECK(t.tree().read(path("empty.md"), 0)->bytes.empty());
    }
  }

  TEST_CASE("what cannot be read says why, and a pipe never blocks") {
    for (const char* kind : kEveryTree) {
      CAPTURE(std::string(kind));
      const auto harness = make(kind);
      Harness& t = *harness;
      t.edit("a.md", "12345");
      t.make_folder("folder.md");
      t.make_symlink("link.md");
      t.make_symlink("linked");
      t.make_pipe("pipe.md");
      FileTree& tree = t.tree();
      CHECK(code(tree.read(path("none.md"), 9)) == ErrorCode::NotFound);
      CHECK(code(tree.read(path("none/none.md"), 9)) == ErrorCode::NotFound);
      CHECK(code(tree.read(path("a.md"), 4)) == ErrorCode::LimitExceeded);
      CHECK(tree.read(path("a.md"), 5));
      for (const char* refused :
           {"folder.md", "link.md", "linked/passwd", "pipe.md", "a.md/b.md"}) {
        CAPTURE(std::string(refused));
        CHECK(code(tree.read(path(refused), 9)) == ErrorCode::NotAllowed);
        CHECK(code(tree.stat(path(refused))) == ErrorCode::NotAllowed);
        CHECK(code(tree.replace(path(refused), "x", is("12345"))) == ErrorCode::NotAllowed);
        CHECK(code(tree.replace(path(refused), "x", kNone)) == ErrorCode::NotAllowed);
        CHECK(code(tree.trash(path(refused), is("12345"))) == ErrorCode::NotAllowed);
        CHECK(code(tree.move(path(refused), path("b.md"), is("12345"))) == ErrorCode::NotAllowed);
      }
      CHECK_FALSE(tree.stat(path("none.md"))->has_value());
      CHECK_FALSE(tree.stat(path("none/none.md"))->has_value());
      CHECK(t.leftovers() == 0);
    }
  }

  TEST_CASE("a new file is made with its parents") {
    for (const char* kind : kEveryTree) {
      CAPTURE(std::string(kind));
      const auto harness = make(kind);
      Harness& t = *harness;
      const auto stat = t.tree().replace(path("a/b/c.md"), "text", kNone);
      REQUIRE(stat);
      CHECK(t.bytes("a/b/c.md") == "text");
      CHECK(*stat == **t.tree().stat(path("a/b/c.md")));
      CHECK((stat->mode & 0600) == 0600);
      CHECK(t.leftovers() == 0);
    }
  }

  TEST_CASE("a file that is as expected is replaced and keeps its mode") {
    for (const char* kind : kEveryTree) {
      CAPTURE(std::string(kind));
      const auto harness = make(kind);
      Harness& t = *harness;
      t.edit("a.md", "old");
      t.set_mode("a.md", 0604);
      const auto before = t.tree().stat(path("a.md"));
      const auto stat = t.tree().replace(path("a.md"), "new text", is("old"));
      REQUIRE(stat);
      CHECK(t.bytes("a.md") == "new text");
      CHECK(stat->mode == 0604);
      CHECK(stat->size == 8);
      CHECK(*stat == **t.tree().stat(path("a.md")));
      CHECK_FALSE(*stat == **before);
      REQUIRE(t.tree().replace(path("a.md"), "", is("new text")));
      CHECK(t.bytes("a.md").has_value());
      CHECK(t.bytes("a.md") == "");
      CHECK(t.leftovers() == 0);
    }
  }

  TEST_CASE("a file that is not as expected is left alone") {
    for (const char* kind : kEveryTree) {
      CAPTURE(std::string(kind));
      const auto harness = make(kind);
      Harness& t = *harness;
      t.edit("a.md", "theirs");
      CHECK(code(t.tree().replace(path("a.md"), "ours", is("old"))) == ErrorCode::Conflict);
      CHECK(code(t.tree().replace(path("a.md"), "ours", kNone)) == ErrorCode::Conflict);
      CHECK(t.bytes("a.md") == "theirs");
      CHECK(code(t.tree().replace(path("none.md"), "ours", is("old"))) == ErrorCode::Conflict);
      CHECK(code(t.tree().replace(path("none/none.md"), "ours", is("old"))) == ErrorCode::Conflict);
      CHECK_FALSE(t.bytes("none.md").has_value());
      CHECK(t.leftovers() == 0);
    }
  }

  TEST_CASE("an edit by another program at any moment of a replacement is never lost") {
    for (const char* kind : kEveryTree) {
      CAPTURE(std::string(kind));
      for (const char* moment : {"check", "create", "write", "sync", "check again", "rename",
                                 "check the old", "remove the old", "sync folder"}) {
        for (const bool in_place : {true, false}) {
          CAPTURE(std::string(moment));
          CAPTURE(in_place);
          const auto harness = make(kind);
          Harness& t = *harness;
          t.edit("a.md", "old");
          t.before_step([&](std::string_view step) {
            if (step != moment) return;
            if (in_place) {
              t.edit("a.md", "theirs");
            } else {
              t.install("a.md", "theirs");
            }
          });
          const auto done = t.tree().replace(path("a.md"), "ours", is("old"));
          t.before_step(nullptr);
          CHECK(t.bytes("a.md") == "theirs");
          // After the exchange what they change is our text: then we were first, and they knew it.
          const std::string_view when = moment;
          const bool ours_was_there =
              when == "check the old" || when == "remove the old" || when == "sync folder";
          CHECK(done.has_value() == ours_was_there);
          if (!done) CHECK(done.error().code == ErrorCode::Conflict);
          CHECK(t.leftovers() == 0);
        }
      }
    }
  }

  TEST_CASE("a file that appears or vanishes while it is replaced is a conflict") {
    for (const char* kind : kEveryTree) {
      CAPTURE(std::string(kind));
      for (const char* moment : {"create", "write", "sync", "check again", "rename"}) {
        CAPTURE(std::string(moment));
        const auto harness = make(kind);
        Harness& t = *harness;
        t.edit("there.md", "old");
        t.before_step([&](std::string_view step) {
          if (step != moment) return;
          t.edit("new.md", "theirs");
          t.erase("there.md");
        });
        CHECK(code(t.tree().replace(path("new.md"), "ours", kNone)) == ErrorCode::Conflict);
        CHECK(t.bytes("new.md") == "theirs");
        t.edit("there.md", "old");
        CHECK(code(t.tree().replace(path("there.md"), "ours", is("old"))) == ErrorCode::Conflict);
        CHECK_FALSE(t.bytes("there.md").has_value());
        CHECK(t.leftovers() == 0);
      }
    }
  }

  TEST_CASE("what is trashed is gone from its place and whole in the trash") {
    for (const char* kind : kEveryTree) {
      CAPTURE(std::string(kind));
      const auto harness = make(kind);
      Harness& t = *harness;
      t.edit("journal/a.md", "text");
      const auto name = t.tree().trash(path("journal/a.md"), is("text"));
      REQUIRE(name);
      CHECK_FALSE(t.bytes("journal/a.md").has_value());
      CHECK(t.bytes(".diaryx/trash/" + *name) == "text");
      CHECK(name->substr(name->find('/') + 1) == "journal/a.md");
      // The same file again does not take the place of the first.
      t.edit("journal/a.md", "text two");
      const auto second = t.tree().trash(path("journal/a.md"), is("text two"));
      REQUIRE(second);
      CHECK(t.bytes(".diaryx/trash/" + *name) == "text");
      CHECK(t.bytes(".diaryx/trash/" + *second) == "text two");
      CHECK(t.tree().list()->files.empty());
    }
  }

  TEST_CASE("a file that is not as expected is not trashed") {
    for (const char* kind : kEveryTree) {
      CAPTURE(std::string(kind));
      const auto harness = make(kind);
      Harness& t = *harness;
      t.edit("a.md", "theirs");
      CHECK(code(t.tree().trash(path("a.md"), is("old"))) == ErrorCode::Conflict);
      CHECK(code(t.tree().trash(path("none.md"), is("old"))) == ErrorCode::Conflict);
      CHECK(code(t.tree().trash(path("a.md"), kNone)) == ErrorCode::InvalidArgument);
      CHECK(t.bytes("a.md") == "theirs");
      for (const char* moment : {"check", "rename"}) {
        t.edit("b.md", "old");
        t.before_step([&](std::string_view step) {
          if (step == moment) t.edit("b.md", "theirs");
        });
        CHECK(code(t.tree().trash(path("b.md"), is("old"))) == ErrorCode::Conflict);
        CHECK(t.bytes("b.md") == "theirs");
      }
    }
  }

  TEST_CASE("a file is moved, with parents made, and never over another") {
    for (const char* kind : kEveryTree) {
      CAPTURE(std::string(kind));
      const auto harness = make(kind);
      Harness& t = *harness;
      t.edit("a.md", "text");
      t.edit("taken.md", "other");
      t.make_folder("folder");
      REQUIRE(t.tree().move(path("a.md"), path("x/y/b.md"), is("text")));
      CHECK_FALSE(t.bytes("a.md").has_value());
      CHECK(t.bytes("x/y/b.md") == "text");
      CHECK(code(t.tree().move(path("x/y/b.md"), path("taken.md"), is("text"))) ==
            ErrorCode::AlreadyExists);
      CHECK(code(t.tree().move(path("x/y/b.md"), path("folder"), is("text"))) ==
            ErrorCode::AlreadyExists);
      CHECK(code(t.tree().move(path("x/y/b.md"), path("c.md"), is("else"))) == ErrorCode::Conflict);
      CHECK(code(t.tree().move(path("none.md"), path("c.md"), is("else"))) == ErrorCode::Conflict);
      CHECK(code(t.tree().move(path("x/y/b.md"), path("c.md"), kNone)) ==
            ErrorCode::InvalidArgument);
      CHECK(code(t.tree().move(path("x/y/b.md"), path("taken.md/c.md"), is("text"))) ==
            ErrorCode::NotAllowed);
      CHECK(t.bytes("x/y/b.md") == "text");
      CHECK(t.bytes("taken.md") == "other");
      REQUIRE(t.tree().move(path("x/y/b.md"), path("x/y/b.md"), is("text")));
      REQUIRE(t.tree().move(path("x/y/b.md"), path("x/y/B.md"), is("text")));
      CHECK(t.bytes("x/y/B.md") == "text");
    }
  }
}
