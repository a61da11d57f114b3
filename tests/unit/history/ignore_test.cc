#include "engine/history/ignore.h"

#include <set>
#include <sstream>

#include <doctest/doctest.h>

#include "engine/base/random.h"
#include "engine/workspace/path_patterns.h"
#include "tests/unit/history/git_sandbox.h"

using namespace diaryx;
using test::GitSandbox;

namespace {

// Which of `paths` git itself ignores.
std::set<std::string> git_ignored(const GitSandbox& git, const std::vector<std::string>& paths) {
  std::string list;
  for (const std::string& path : paths) list += path + "\n";
  git.write("../paths", list);
  std::istringstream out(
      git.git("-c core.quotePath=off check-ignore --no-index --stdin < ../paths || true"));
  std::set<std::string> ignored;
  for (std::string line; std::getline(out, line);) ignored.insert(line);
  return ignored;
}

std::string pick(Random& random, const std::vector<std::string>& from) {
  return from[random.below(from.size())];
}

}  // namespace

TEST_SUITE("history/ignore") {
  TEST_CASE("what git ignores, as git says it, but not what is tracked") {
    GitSandbox git;
    git.init();
    git.write("sub/tracked.tmp.md", "x");
    git.commit_all("first");
    git.write(".gitignore", "*.tmp.md\n/build/\n!keep.tmp.md\n");
    git.write("sub/.gitignore", "here.md\n");
    git.write(".git/info/exclude", "private.md\n");
    const auto rules = history::IgnoreRules::open(git.path());
    const auto ignored = [&](const char* path) {
      return rules.ignored(*WorkspacePath::parse(path));
    };
    CHECK(ignored("a.tmp.md"));
    CHECK(ignored("build/x.md"));
    CHECK(ignored("sub/here.md"));
    CHECK(ignored("private.md"));
    CHECK_FALSE(ignored("here.md"));
    CHECK_FALSE(ignored("keep.tmp.md"));
    CHECK_FALSE(ignored("sub/build/x.md"));
    CHECK_FALSE(ignored("sub/tracked.tmp.md"));
    // Below the top, and after a change of the rules.
    const auto below = history::IgnoreRules::open(git.path() / "sub");
    CHECK(below.ignored(*WorkspacePath::parse("here.md")));
    git.write("sub/.gitignore", "there.md\n# now longer\n");
    CHECK_FALSE(below.ignored(*WorkspacePath::parse("here.md")));
    CHECK(below.ignored(*WorkspacePath::parse("there.md")));
  }

  TEST_CASE("no repository: nothing is ignored") {
    GitSandbox git;
    git.write(".gitignore", "*.md\n");
    CHECK_FALSE(history::IgnoreRules::open(git.path()).ignored(*WorkspacePath::parse("a.md")));
  }

  TEST_CASE("patterns of ours mean what they mean in a .gitignore") {
    const std::vector<std::string> pieces{"a",    "b",    "ab",    "*",   "**",  "/",    "/", "?",
                                          "[ab]", "[!a]", "[a-c]", "\\*", ".md", "*.md", "[", "ü",
                                          "!",    "#",    " ",     "**/", "/**", "c"};
    const std::vector<std::string> names{"a",     "b",    "ab",   "c",  "a.md", "b.md",
                                         "ab.md", "*.md", "ü.md", "!a", "#a",   "[a.md"};
    SeededRandom random(11);
    GitSandbox git;
    git.init();
    for (int round = 0; round < 150; ++round) {
      std::vector<std::string> lines;
      for (std::uint64_t i = 0; i <= random.below(4); ++i) {
        std::string line;
        for (std::uint64_t n = 0; n <= random.below(5); ++n) line += pick(random, pieces);
        // Of two slashes in a row git makes something that nobody means.
        if (line.find("//") == std::string::npos) lines.push_back(line);
      }
      std::vector<std::string> paths;
      for (int i = 0; i < 40; ++i) {
        std::string path;
        for (std::uint64_t n = random.below(3); n > 0; --n) path += pick(random, names) + "/";
        paths.push_back(path + pick(random, names));
      }
      std::string file;
      for (const std::string& line : lines) file += line + "\n";
      git.write(".gitignore", file);
      CAPTURE(round);
      CAPTURE(file);
      const workspace::PathPatterns patterns(lines);
      const std::set<std::string> ignored = git_ignored(git, paths);
      for (const std::string& path : paths) {
        CAPTURE(path);
        CHECK(patterns.match(path) == ignored.contains(path));
      }
    }
  }
}
