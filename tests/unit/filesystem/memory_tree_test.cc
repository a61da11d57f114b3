// The faults that the tree in memory can have. What it shares with the real one is in
// file_tree_test.cc.
#include "engine/filesystem/memory_tree.h"

#include <doctest/doctest.h>

using namespace diaryx;
using namespace diaryx::filesystem;

namespace {

WorkspacePath path(std::string_view text) {
  return *WorkspacePath::parse(text);
}
Expected is(std::string_view bytes) {
  return {sha256(as_bytes(bytes))};
}
const Expected kNone{};

}  // namespace

TEST_SUITE("filesystem/memory_tree") {
  TEST_CASE(
      "a failure at any step of a replacement leaves the old file or the new one, and nothing "
      "else") {
    ManualClock clock;
    bool finished = false;
    int failed = 0;
    for (std::uint64_t n = 1; !finished; ++n) {
      MemoryTree tree(clock);
      tree.edit("a.md", "old");
      tree.fail_step(n, Error{ErrorCode::NoSpace, "disk full"});
      const auto done = tree.replace(path("a.md"), "new", is("old"));
      if (done) {
        finished = tree.steps() < n;
      } else {
        ++failed;
        CHECK(done.error().code == ErrorCode::NoSpace);
      }
      const std::string now = *tree.peek("a.md");
      CHECK((now == "old" || now == "new"));
      CHECK(now == (done ? "new" : tree.steps() == 9 ? "new" : "old"));
    }
    CHECK(failed >= 7);
  }

  TEST_CASE("power lost at any step leaves a whole file, and what was reported stays") {
    ManualClock clock;
    SeededRandom random(3);
    for (int round = 0; round < 400; ++round) {
      CAPTURE(round);
      MemoryTree tree(clock);
      tree.edit("a.md", "old");
      tree.stop_at_step(1 + random.below(30));
      std::string reported = "old";
      std::string next = "old";
      bool known = false;  // "x/b.md" was reported as made.
      while (!tree.stopped()) {
        next = reported + "+";
        if (tree.replace(path("a.md"), next, is(reported))) reported = next;
        if (!known && !tree.stopped()) known = tree.replace(path("x/b.md"), "b", kNone).has_value();
      }
      CHECK(tree.read(path("a.md"), 99).error().code == ErrorCode::Interrupted);
      tree.restart(round % 2 == 0 ? &random : nullptr);
      const std::string now = *tree.peek("a.md");
      CHECK((now == reported || now == next));
      if (known) CHECK(tree.peek("x/b.md") == "b");
      const auto b = tree.peek("x/b.md");
      CHECK((!b || *b == "b"));
    }
  }

  TEST_CASE("what another program did not sync is lost with the power") {
    ManualClock clock;
    MemoryTree tree(clock);
    tree.edit("a.md", "old");
    tree.edit("a.md", "new", MemoryTree::Sync::No);
    tree.install("b.md", "text", MemoryTree::Sync::No);
    CHECK(tree.peek("a.md") == "new");
    CHECK(tree.peek("b.md") == "text");
    tree.restart();
    CHECK(tree.peek("a.md") == "old");
    CHECK_FALSE(tree.peek("b.md"));
  }

  TEST_CASE(
      "a trashed or moved file is in one place or the other after a power failure, never in none") {
    ManualClock clock;
    SeededRandom random(4);
    for (std::uint64_t n = 1; n <= 8; ++n) {
      for (int round = 0; round < 20; ++round) {
        CAPTURE(n);
        MemoryTree tree(clock);
        tree.edit("x/a.md", "a");
        tree.edit("b.md", "b");
        tree.stop_at_step(n);
        const bool trash = round % 2 == 0;
        if (trash) {
          (void)tree.trash(path("x/a.md"), is("a"));
        } else {
          (void)tree.move(path("x/a.md"), path("y/z/a.md"), is("a"));
        }
        tree.restart(&random);
        int copies = 0;
        for (const auto& [name, bytes] : tree.files()) copies += bytes == "a" ? 1 : 0;
        CHECK(copies >= 1);
        CHECK(tree.peek("b.md") == "b");
      }
    }
  }

  TEST_CASE("another program's doings have the effects that they have on a disk") {
    ManualClock clock;
    MemoryTree tree(clock);
    tree.edit("a/b.md", "text");
    const auto first = **tree.stat(path("a/b.md"));
    tree.touch("a/b.md");
    const auto touched = **tree.stat(path("a/b.md"));
    CHECK(touched.inode == first.inode);
    CHECK(touched.mtime_ns > first.mtime_ns);
    tree.install("a/b.md", "text");
    CHECK((*tree.stat(path("a/b.md")))->inode != first.inode);
    tree.rename("a", "c/d");
    CHECK(tree.peek("c/d/b.md") == "text");
    CHECK_FALSE(tree.peek("a/b.md"));
    tree.restart();
    CHECK(tree.peek("c/d/b.md") == "text");
    tree.erase("c");
    CHECK(tree.list()->files.empty());
    tree.set_mode("", 0755);
    tree.edit("locked/a.md", "x");
    tree.edit("locked-too/a.md", "x");
    tree.set_mode("locked", 0);
    tree.set_mode("locked-too", 0);
    const auto listing = tree.list();
    CHECK(listing->files.empty());
    CHECK(listing->skipped.size() == 2);
    CHECK(listing->unknown(path("locked/a.md")));
  }

  TEST_CASE("a file that is only readable is not replaced") {
    ManualClock clock;
    MemoryTree tree(clock);
    tree.edit("a.md", "old");
    tree.set_mode("a.md", 0444);
    CHECK(tree.replace(path("a.md"), "new", is("old")).error().code == ErrorCode::NotAllowed);
    CHECK(tree.peek("a.md") == "old");
  }
}
