// A source file is about one noun. One that outgrows 600 lines hides a second: look for it, or say
// here why there is none.
#include <algorithm>
#include <map>
#include <string>

#include <doctest/doctest.h>

#include "tests/tidy/source_tree.h"

namespace diaryx::test {
namespace {

constexpr std::size_t kMostLines = 600;

// path → the reason why it may be longer.
const std::map<std::string, std::string> kExceptions = {};

bool oversized(const SourceFile& file) {
  return static_cast<std::size_t>(std::count(file.text.begin(), file.text.end(), '\n')) >
             kMostLines &&
         kExceptions.count(file.path) == 0;
}

}  // namespace

TEST_SUITE("tidy/sizes") {
  TEST_CASE("no source file is longer than 600 lines") {
    const auto files =
        source_files({"engine", "web", "cli", "tests"}, {".h", ".cc", ".ts", ".mjs"});
    REQUIRE(files.size() > 30);
    for (const SourceFile& file : files) {
      if (oversized(file)) FAIL_CHECK((file.path + " is too long: which noun wants out?"));
    }
  }

  TEST_CASE("an exception is for a file that is there and is long") {
    for (const auto& [path, reason] : kExceptions) {
      CAPTURE(path);
      CHECK(std::filesystem::exists(repository_root() / path));
      CHECK_FALSE(reason.empty());
    }
  }

  TEST_CASE("a line too many is found") {
    CHECK_FALSE(oversized({"engine/x.cc", std::string(kMostLines, '\n')}));
    CHECK(oversized({"engine/x.cc", std::string(kMostLines + 1, '\n')}));
  }
}

}  // namespace diaryx::test
