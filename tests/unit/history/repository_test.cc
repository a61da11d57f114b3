// Repositories of every kind and in every state: where a commit goes, and when it is refused.
#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/history/commit.h"
#include "tests/unit/history/git_sandbox.h"

namespace fs = std::filesystem;
using diaryx::ErrorCode;
using diaryx::history::CommitReport;
using diaryx::test::GitSandbox;

namespace {

std::string reason_for(const CommitReport& report, const std::string& path) {
  for (const auto& skipped : report.skipped) {
    if (skipped.path == path) return skipped.reason;
  }
  return "not skipped";
}

}  // namespace

TEST_SUITE("history/repository") {
  TEST_CASE("a folder without a repository gets one on main, and git status is clean") {
    GitSandbox box;
    box.write("README.md", "---\ntitle: Home\n---\n\nHello.\n");
    box.write("2026/01/day one.md", "Text \xC3\xA4\n");
    const CommitReport report = box.commit({"README.md", "2026/01/day one.md"});
    CHECK(report.created_repository);
    CHECK(report.branch == "main");
    CHECK(report.files == 2);
    CHECK(report.changed == 2);
    REQUIRE(report.commit);
    CHECK(box.git("rev-parse main") == *report.commit + "\n");
    CHECK(box.git("status --porcelain") == "");
    CHECK(box.git("show HEAD:'2026/01/day one.md'") == "Text \xC3\xA4\n");
    box.check_sound();
  }

  TEST_CASE("a new repository takes its branch from init.defaultBranch") {
    GitSandbox box;
    box.git("config --global init.defaultBranch trunk");
    box.write("a.md", "a");
    CHECK(box.commit({"a.md"}).branch == "trunk");
    CHECK(box.git("symbolic-ref HEAD") == "refs/heads/trunk\n");
  }

  TEST_CASE("the folder .diaryx stays invisible to git without a .gitignore of the person's") {
    GitSandbox box;
    box.write("a.md", "a");
    box.write(".diaryx/.gitignore", "*\n");
    box.write(".diaryx/store.db", "binary");
    box.commit({"a.md"});
    CHECK(box.git("status --porcelain --untracked-files=all") == "");
    CHECK_FALSE(box.exists(".gitignore"));
  }

  TEST_CASE("no repository is made when there is nothing to commit") {
    GitSandbox box;
    const CommitReport report = box.commit({"gone.md"}, {"also-gone.md"});
    CHECK_FALSE(report.commit);
    CHECK_FALSE(report.created_repository);
    CHECK_FALSE(box.exists(".git"));
  }

  TEST_CASE("an unborn branch gets its first commit, whatever its name") {
    GitSandbox box;
    box.init();
    box.git("symbolic-ref HEAD refs/heads/journal/2026");
    box.write("staged.txt", "s");
    box.git("add staged.txt");
    box.write("a.md", "a");
    const CommitReport report = box.commit({"a.md"});
    CHECK(report.branch == "journal/2026");
    CHECK(box.git("rev-list --count HEAD") == "1\n");
    CHECK(box.git("ls-tree -r --name-only HEAD") == "a.md\n");
    CHECK(box.git("status --porcelain") == "A  staged.txt\n");
  }

  TEST_CASE("a detached HEAD moves, and its branch does not") {
    GitSandbox box;
    box.init();
    box.write("a.md", "a");
    box.commit_all("start");
    box.git("checkout -q --detach");
    const std::string main = box.git("rev-parse main");
    box.write("a.md", "a2");
    const CommitReport report = box.commit({"a.md"});
    CHECK(report.branch == "HEAD");
    CHECK(box.git("rev-parse main") == main);
    CHECK(box.git("rev-parse HEAD^") == main);
    CHECK(box.git("status --porcelain") == "");
  }

  TEST_CASE("a workspace below a larger repository commits there and touches nothing else") {
    GitSandbox box;
    box.init();
    box.write("code/main.c", "int main;");
    box.write("notes/journal/old.md", "old");
    box.commit_all("start");
    box.write("code/main.c", "edited");
    box.write("notes/journal/day.md", "day");
    box.remove("notes/journal/old.md");
    const CommitReport report = box.commit({"day.md"}, {"old.md"}, "notes/journal");
    CHECK_FALSE(report.created_repository);
    CHECK_FALSE(box.exists("notes/journal/.git"));
    CHECK(box.git("show --name-status --no-renames --format= HEAD") ==
          "A\tnotes/journal/day.md\nD\tnotes/journal/old.md\n");
    CHECK(box.git("status --porcelain") == " M code/main.c\n");
    box.check_sound();
  }

  TEST_CASE("a linked work tree commits to its own branch and its own index") {
    GitSandbox box;
    box.init();
    box.write("a.md", "a");
    box.commit_all("start");
    box.git("worktree add -q -b side linked");
    box.write("linked/a.md", "side");
    const CommitReport report = box.commit({"a.md"}, {}, "linked");
    CHECK(report.branch == "side");
    CHECK(box.git("status --porcelain", "linked") == "");
    CHECK(box.git("show side:a.md") == "side");
    CHECK(box.git("show main:a.md") == "a");
    CHECK(box.git("status --porcelain") == "?? linked/\n");
    box.check_sound();
  }

  TEST_CASE(
      "in the middle of a merge, rebase, cherry-pick, revert or bisect we refuse with a remedy") {
    GitSandbox box;
    box.init();
    box.write("a.md", "a");
    box.write("x.txt", "base\n");
    box.commit_all("start");
    box.git("checkout -q -b other");
    box.write("x.txt", "other\n");
    box.commit_all("other");
    box.git("checkout -q main");
    box.write("x.txt", "main\n");
    box.commit_all("main");
    box.write("a.md", "a2");
    const char* name = "";
    SUBCASE("merge") {
      CHECK(box.git_code("merge other") != 0);
      name = "a merge";
    }
    SUBCASE("rebase") {
      box.git("stash");
      CHECK(box.git_code("rebase other") != 0);
      name = "a rebase";
    }
    SUBCASE("cherry-pick") {
      CHECK(box.git_code("cherry-pick other") != 0);
      name = "a cherry-pick";
    }
    SUBCASE("revert") {
      box.git("stash");
      CHECK(box.git_code("revert --no-edit HEAD~1") != 0);
      name = "a revert";
    }
    SUBCASE("bisect") {
      box.git("bisect start");
      name = "a bisect";
    }
    const std::string before = box.git("status --porcelain");
    const auto report = box.try_commit({"a.md"});
    REQUIRE_FALSE(report);
    CHECK(report.error().code == ErrorCode::NotAllowed);
    CHECK(report.error().message.find(name) != std::string::npos);
    CHECK_FALSE(report.error().hint.empty());
    CHECK(box.git("status --porcelain") == before);
  }

  TEST_CASE("files in submodules and nested repositories are left to them") {
    GitSandbox box;
    GitSandbox library;
    library.init();
    library.write("lib.md", "lib");
    library.commit_all("lib");
    box.init();
    box.git("-c protocol.file.allow=always submodule add -q '" + library.path().string() + "' sub");
    box.commit_all("start");
    box.git("init -q nested");
    box.write("nested/n.md", "n");
    box.write("sub/lib.md", "edited");
    box.write("a.md", "a");
    const CommitReport report = box.commit({"a.md", "nested/n.md", "sub/lib.md", "sub/new.md"});
    CHECK(report.changed == 1);
    CHECK(reason_for(report, "sub/lib.md") == "inside another git repository");
    CHECK(reason_for(report, "nested/n.md") == "inside another git repository");
    CHECK(box.git("show --name-only --format= HEAD") == "a.md\n");

    // A submodule that was never checked out is an empty folder; what we put there is not the outer
    // repository's.
    box.git("submodule deinit -q -f sub");
    box.write("sub/lib.md", "ours");
    CHECK(reason_for(box.commit({"sub/lib.md"}), "sub/lib.md") == "inside a submodule");
    box.check_sound();
  }

  TEST_CASE("a sparse checkout keeps what it left out") {
    GitSandbox box;
    box.init();
    box.write("in/a.md", "a");
    box.write("out/b.md", "b");
    box.commit_all("start");
    box.git("sparse-checkout set in");
    REQUIRE_FALSE(box.exists("out/b.md"));
    box.write("in/a.md", "a2");
    const CommitReport report = box.commit({"in/a.md"}, {"out/b.md"});
    CHECK(report.changed == 1);
    CHECK(box.git("ls-tree -r --name-only HEAD") == "in/a.md\nout/b.md\n");
    CHECK(box.git("ls-files -t") == "H in/a.md\nS out/b.md\n");
    CHECK(box.git("status --porcelain") == "");
    box.check_sound();
  }

  TEST_CASE("an index that libgit2 cannot read is Unsupported with a remedy, and stays as it is") {
    GitSandbox box;
    box.init();
    box.write("a.md", "a");
    box.commit_all("start");
    box.git("update-index --split-index");
    box.write("a.md", "a2");
    const std::string index = box.read(".git/index");
    const auto report = box.try_commit({"a.md"});
    REQUIRE_FALSE(report);
    CHECK(report.error().code == ErrorCode::Unsupported);
    CHECK(report.error().hint.find("--no-split-index") != std::string::npos);
    CHECK(box.read(".git/index") == index);
    box.git("update-index --no-split-index");
    CHECK(box.commit({"a.md"}).changed == 1);
  }

  TEST_CASE("an index that is damaged is Corrupt, and stays as it is") {
    GitSandbox box;
    box.init();
    box.write("a.md", "a");
    box.commit_all("start");
    box.write("a.md", "a2");
    std::string index = box.read(".git/index");
    index.back() = static_cast<char>(index.back() ^ 1);
    box.write(".git/index", index);
    const auto report = box.try_commit({"a.md"});
    REQUIRE_FALSE(report);
    CHECK(report.error().code == ErrorCode::Corrupt);
    CHECK(box.read(".git/index") == index);
  }

  TEST_CASE("an index of version 4 with flags stays one") {
    GitSandbox box;
    box.init();
    box.write("notes/a.md", "a");
    box.write("notes/b.txt", "b");
    box.commit_all("start");
    box.git("update-index --index-version 4");
    box.git("update-index --assume-unchanged notes/b.txt");
    box.write("notes/new.txt", "n");
    box.git("add -N notes/new.txt");
    box.write("notes/a.md", "a2");
    CHECK(box.commit({"notes/a.md"}).changed == 1);
    CHECK(box.read(".git/index").substr(0, 8) == std::string("DIRC\0\0\0\4", 8));
    CHECK(box.git("ls-files -v") == "H notes/a.md\nh notes/b.txt\nH notes/new.txt\n");
    CHECK(box.git("status --porcelain") == " A notes/new.txt\n");
    box.check_sound();
  }

  TEST_CASE("another user's repository is refused, and git's own remedy is named") {
    if (geteuid() != 0) return;  // Only root can give files away.
    GitSandbox box;
    box.init();
    box.write("a.md", "a");
    for (const auto& item : fs::recursive_directory_iterator(box.path())) {
      REQUIRE(lchown(item.path().c_str(), 12345, 12345) == 0);
    }
    REQUIRE(lchown(box.path().c_str(), 12345, 12345) == 0);
    const auto report = box.try_commit({"a.md"});
    REQUIRE_FALSE(report);
    CHECK(report.error().code == ErrorCode::NotAllowed);
    CHECK(report.error().message.find("belongs to another user") != std::string::npos);
    CHECK(report.error().hint.find("safe.directory") != std::string::npos);

    box.git("config --global --add safe.directory '" + box.path().string() + "'");
    CHECK(box.commit({"a.md"}).changed == 1);
  }

  TEST_CASE("a bare repository is refused") {
    GitSandbox box;
    box.git("init -q --bare");
    box.write("a.md", "a");
    const auto report = box.try_commit({"a.md"});
    REQUIRE_FALSE(report);
    CHECK(report.error().code == ErrorCode::NotAllowed);
    CHECK(report.error().message.find("bare") != std::string::npos);
  }

  TEST_CASE("a repository format that libgit2 does not know is Unsupported") {
    GitSandbox box;
    box.init();
    box.git("config core.repositoryFormatVersion 1");
    box.git("config extensions.partialClone origin");
    box.write("a.md", "a");
    const auto report = box.try_commit({"a.md"});
    REQUIRE_FALSE(report);
    CHECK(report.error().code == ErrorCode::Unsupported);
    CHECK_FALSE(report.error().hint.empty());
  }

  TEST_CASE("hooks are not run") {
    GitSandbox box;
    box.init();
    for (const char* hook : {"pre-commit", "commit-msg", "post-commit", "reference-transaction"}) {
      const std::string file = std::string(".git/hooks/") + hook;
      box.write(file, "#!/bin/sh\ntouch ran-" + std::string(hook) + "\nexit 1\n");
      REQUIRE(chmod((box.path() / file).c_str(), 0755) == 0);
    }
    box.write("a.md", "a");
    CHECK(box.commit({"a.md"}).commit);
    for (const auto& item : fs::directory_iterator(box.path())) {
      CHECK(item.path().filename().string().substr(0, 4) != "ran-");
    }
  }
}
