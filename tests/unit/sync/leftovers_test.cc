// What a killed process left half-made in the workspace goes when the next one opens it to write.
#include <doctest/doctest.h>

#include "engine/engine.h"
#include "tests/support/temp_dir.h"

using namespace diaryx;
namespace fs = std::filesystem;

namespace {

constexpr const char* kPartial = ".diaryx-AAAAAAAAAAAAAAAA.tmp";
constexpr const char* kEmpty = "sub/.diaryx-BBBBBBBBBBBBBBBB.tmp";

// The texts of all files in the trash.
std::string trashed(const test::TempDir& dir) {
  std::string all;
  const fs::path trash = dir.path() / ".diaryx/trash";
  if (!fs::exists(trash)) return all;
  for (const auto& entry : fs::recursive_directory_iterator(trash)) {
    if (entry.is_regular_file())
      all += dir.read(fs::relative(entry.path(), dir.path()).string()) + "\n";
  }
  return all;
}

}  // namespace

TEST_SUITE("sync/leftovers") {
  TEST_CASE("what a killed upload or write left is in the trash, and what is empty is gone") {
    test::TempDir dir;
    dir.write("a.md", "one\n");
    dir.write(kPartial, "half an uplo");
    dir.write(kEmpty, "");
    dir.write(".diaryx-notes.tmp", "a person's own\n");
    const SystemClock clock;
    SystemRandom random;
    auto workspace = Workspace::open({.root = dir.path(), .access = Access::Create}, clock, random);
    REQUIRE(workspace);
    CHECK(dir.exists(kPartial));  // Only opened: nobody has looked at the folder yet.
    REQUIRE((*workspace)->reconcile());
    CHECK_FALSE(dir.exists(kPartial));
    CHECK_FALSE(dir.exists(kEmpty));
    CHECK(trashed(dir) == "half an uplo\n");
    CHECK(dir.read(".diaryx-notes.tmp") == "a person's own\n");
    CHECK(dir.read("a.md") == "one\n");
  }

  TEST_CASE("a folder that may not be changed is no reason not to open the workspace") {
    test::TempDir dir;
    dir.write("a.md", "one\n");
    dir.write("sub/.diaryx-CCCCCCCCCCCCCCCC.tmp", "half");
    fs::permissions(dir.path() / "sub", fs::perms::owner_read | fs::perms::owner_exec);
    const SystemClock clock;
    SystemRandom random;
    auto workspace = Workspace::open({.root = dir.path(), .access = Access::Create}, clock, random);
    REQUIRE(workspace);
    const auto done = (*workspace)->reconcile();
    fs::permissions(dir.path() / "sub", fs::perms::owner_all);
    REQUIRE(done);
    CHECK(done->files == 1);
  }
}
