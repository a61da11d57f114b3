#include "engine/sync/first_look.h"

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "engine/filesystem/disk_tree.h"
#include "tests/support/temp_dir.h"

namespace diaryx::sync {
namespace {

using test::TempDir;

std::unique_ptr<filesystem::FileTree> tree_of(const std::filesystem::path& root) {
  auto tree = filesystem::DiskTree::open(root);
  REQUIRE(tree);
  return std::move(*tree);
}

}  // namespace

TEST_SUITE("sync/first_look") {
  TEST_CASE("what was there is listed, and what comes after the list is told") {
    const TempDir dir;
    dir.write("a.md", "a");
    dir.write("b.md", "b");
    FirstLook look(dir.path(), tree_of(dir.path()));
    auto found = look.end();
    REQUIRE(found);
    REQUIRE(found->listed.status);
    std::vector<std::string> paths;
    for (const auto& file : found->listed.listing->files) paths.push_back(file.path.str());
    CHECK(paths == std::vector<std::string>{"a.md", "b.md"});
    CHECK(std::holds_alternative<ListTask>(found->listed.task));
    REQUIRE(found->files != nullptr);
    CHECK(found->files->list());
    REQUIRE(found->watch != nullptr);
    dir.write("c.md", "c");
    bool told = false;
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    while (!told && std::chrono::steady_clock::now() < end) {
      const auto changes = found->watch->wait(100);
      told = changes.rescan || changes.paths.contains(*WorkspacePath::parse("c.md"));
    }
    CHECK(told);
  }

  TEST_CASE("nothing is watched that nobody asked for") {
    const TempDir dir;
    FirstLook look({}, tree_of(dir.path()));
    auto found = look.end();
    REQUIRE(found);
    CHECK(found->watch == nullptr);
    CHECK(found->listed.listing->files.empty());
  }

  TEST_CASE("a folder that is gone says so in the listing") {
    auto dir = std::make_unique<TempDir>();
    auto tree = tree_of(dir->path());
    dir.reset();
    FirstLook look({}, std::move(tree));
    auto found = look.end();
    REQUIRE(found);
    CHECK_FALSE(found->listed.status);
  }

  TEST_CASE("one that nobody waits for does no harm") {
    const TempDir dir;
    const FirstLook look(dir.path(), tree_of(dir.path()));
  }
}

}  // namespace diaryx::sync
