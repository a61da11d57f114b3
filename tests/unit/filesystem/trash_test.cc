#include "engine/filesystem/trash.h"

#include <filesystem>

#include <doctest/doctest.h>

#include "engine/filesystem/disk_tree.h"
#include "tests/support/temp_dir.h"

using namespace diaryx;
using namespace diaryx::filesystem;

namespace {

WorkspacePath at(std::string_view path) {
  return *WorkspacePath::parse(path);
}

struct Setup {
  test::TempDir dir;
  std::unique_ptr<DiskTree> tree = std::move(*DiskTree::open(dir.path()));
  Trash trash = std::move(*Trash::open(dir.path()));

  std::string put(const std::string& path, const std::string& text) {
    dir.write(path, text);
    return *tree->trash(at(path), {sha256(as_bytes(text))});
  }
  bool is_there(const std::string& path) const {
    return std::filesystem::exists(dir.path() / path);
  }
};

}  // namespace

TEST_SUITE("filesystem/trash") {
  TEST_CASE("what was deleted is listed, oldest first, and comes back where it was") {
    Setup s;
    CHECK(s.trash.list()->empty());
    const std::string one = s.put("notes/deep/a.md", "one");
    const std::string two = s.put("b.md", "three");
    const auto entries = s.trash.list();
    REQUIRE(entries);
    REQUIRE(entries->size() == 2);
    CHECK(std::is_sorted(entries->begin(), entries->end(),
                         [](const auto& a, const auto& b) { return a.name < b.name; }));
    for (const TrashEntry& entry : *entries) {
      CHECK((entry.name == one || entry.name == two));
      CHECK(entry.path == (entry.name == one ? "notes/deep/a.md" : "b.md"));
      CHECK(entry.size == (entry.name == one ? 3 : 5));
      CHECK(entry.deleted_ms > 1'700'000'000'000);
    }
    std::filesystem::remove_all(s.dir.path() / "notes");
    REQUIRE(s.trash.restore(one, at("notes/deep/a.md")));
    CHECK(s.dir.read("notes/deep/a.md") == "one");
    CHECK(s.trash.list()->size() == 1);
    CHECK_FALSE(s.is_there(".diaryx/trash/" + one.substr(0, one.find('/'))));
    REQUIRE(s.trash.restore(two, at("elsewhere/c.md")));
    CHECK(s.dir.read("elsewhere/c.md") == "three");
    CHECK(s.trash.list()->empty());
  }

  TEST_CASE("nothing is restored over another file, and no folder is left behind") {
    Setup s;
    const std::string name = s.put("a.md", "old");
    s.dir.write("a.md", "new");
    const Status refused = s.trash.restore(name, at("a.md"));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == ErrorCode::AlreadyExists);
    CHECK(s.dir.read("a.md") == "new");
    CHECK(s.trash.list()->size() == 1);
    s.dir.write("folder", "a file");
    CHECK_FALSE(s.trash.restore(name, at("folder/a.md")));
    CHECK(s.trash.list()->size() == 1);
  }

  TEST_CASE("removed is removed, one by one") {
    Setup s;
    const std::string one = s.put("a.md", "one");
    const std::string two = s.put("a.md", "two");
    REQUIRE(s.trash.remove(one));
    CHECK_FALSE(s.trash.remove(one));
    REQUIRE(s.trash.list()->size() == 1);
    CHECK(s.trash.list()->front().name == two);
  }

  TEST_CASE("names that lead elsewhere are no entries, and links are not followed") {
    Setup s;
    const std::string name = s.put("a.md", "one");
    s.dir.write("precious.md", "keep");
    for (const std::string& bad :
         {std::string(), std::string("a.md"), std::string("../store.db"),
          std::string("../../precious.md"), name + "/..", "/" + name, name + "/",
          std::string("x/\0y", 4), name.substr(0, name.find('/')) + "/../../../precious.md"}) {
      CAPTURE(bad);
      CHECK_FALSE(s.trash.remove(bad));
      CHECK_FALSE(s.trash.restore(bad, at("new.md")));
    }
    const test::TempDir outside;
    outside.write("x.md", "not ours");
    std::filesystem::create_directory_symlink(outside.path(), s.dir.path() / ".diaryx/trash/link");
    CHECK(s.trash.list()->size() == 1);
    CHECK_FALSE(s.trash.restore("link/x.md", at("new.md")));
    CHECK_FALSE(s.trash.remove("link/x.md"));
    CHECK(outside.read("x.md") == "not ours");
    CHECK_FALSE(s.is_there("new.md"));
  }

  TEST_CASE("the time is in the name") {
    CHECK(parse_trash_time("20240229T235959Z-k3x9qd7m/a.md") == 1'709'251'199'000);
    CHECK(parse_trash_time("2024-02-29/a.md") == 0);
    CHECK(parse_trash_time("") == 0);
  }
}
