#include "engine/history/commit.h"

#include <ctime>
#include <functional>
#include <thread>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/history/git_sandbox.h"

namespace fs = std::filesystem;
using diaryx::ErrorCode;
using diaryx::history::CommitOptions;
using diaryx::history::CommitReport;
using diaryx::test::GitSandbox;

namespace {

std::string reason_for(const CommitReport& report, const std::string& path) {
  for (const auto& skipped : report.skipped) {
    if (skipped.path == path) return skipped.reason;
  }
  return "not skipped";
}

void set_modified(const fs::path& file, std::int64_t seconds) {
  const struct timespec times[2] = {{seconds, 0}, {seconds, 0}};
  REQUIRE(utimensat(AT_FDCWD, file.c_str(), times, 0) == 0);
}

// Runs `work` in a process of its own, and kills it with signal `number` after `us` microseconds.
void run_and_kill(const std::function<void()>& work, int number, useconds_t us) {
  const auto handler =
      signal(SIGTERM, SIG_DFL);  // The child shall die of it as any other program does.
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child != 0) (void)signal(SIGTERM, handler);
  if (child == 0) {
    work();
    _exit(0);
  }
  usleep(us);
  kill(child, number);
  REQUIRE(waitpid(child, nullptr, 0) == child);
}

}  // namespace

TEST_SUITE("history/commit") {
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

  TEST_CASE("a second commit without changes makes no commit") {
    GitSandbox box;
    box.init();
    box.write("a.md", "a");
    const CommitReport first = box.commit({"a.md"});
    const CommitReport second = box.commit({"a.md"});
    CHECK(first.commit);
    CHECK_FALSE(second.commit);
    CHECK(second.files == 1);
    CHECK(second.changed == 0);
    CHECK(box.git("rev-list --count HEAD") == "1\n");
  }

  TEST_CASE("what others track stays in the tree, and what they have staged stays staged") {
    GitSandbox box;
    box.init();
    box.write("ours.md", "one");
    box.write("theirs.txt", "one");
    box.write("bin/tool.sh", "one");
    box.write("dropped.txt", "one");
    box.commit_all("start");

    box.write("ours.md", "two");
    box.write("theirs.txt", "staged");
    box.write("added.txt", "new");
    box.git("add theirs.txt added.txt");
    box.git("rm -q --cached dropped.txt");
    box.write("theirs.txt", "staged, then edited");
    box.write("later.txt", "later");
    box.git("add -N later.txt");
    const std::string before = box.git("status --porcelain");
    CHECK(
        before ==
        "A  added.txt\nD  dropped.txt\n A later.txt\n M ours.md\nMM theirs.txt\n?? dropped.txt\n");
    const std::string staged = box.git("ls-files -s -- theirs.txt added.txt dropped.txt");

    const CommitReport report = box.commit({"ours.md"});
    CHECK(report.changed == 1);
    CHECK(box.git("status --porcelain") ==
          "A  added.txt\nD  dropped.txt\n A later.txt\nMM theirs.txt\n?? dropped.txt\n");
    CHECK(box.git("ls-files -s -- theirs.txt added.txt dropped.txt") == staged);
    CHECK(box.git("show --name-only --format= HEAD") == "ours.md\n");
    CHECK(box.git("ls-tree -r --name-only HEAD") ==
          "bin/tool.sh\ndropped.txt\nours.md\ntheirs.txt\n");

    // The trap: an index that did not follow would make the person's next commit undo ours.
    box.git("commit -q -m 'theirs'");
    CHECK(box.git("show --name-status --format= HEAD") ==
          "A\tadded.txt\nD\tdropped.txt\nM\ttheirs.txt\n");
    CHECK(box.git("show HEAD:ours.md") == "two");
    CHECK(box.git("show HEAD:theirs.txt") == "staged");
    box.check_sound();
  }

  TEST_CASE("what we do equals git commit --only, down to the tree and the index") {
    GitSandbox ours;
    GitSandbox theirs;
    for (const GitSandbox* box : {&ours, &theirs}) {
      box->init();
      box->write("a.md", "a");
      box->write("b/c.md", "c");
      box->write("b/other.txt", "o");
      box->write("z.md", "z");
      box->write("untracked-again.md", "u");
      box->commit_all("start");
      box->write("a.md", "a2");
      box->write("b/c.md", "c2");
      box->write("b/other.txt", "o2");
      box->git("add b/c.md b/other.txt");
      box->write("b/c.md", "c3");
      box->remove("z.md");
      box->git("rm -q --cached untracked-again.md");
    }
    ours.commit({"a.md", "b/c.md", "untracked-again.md"}, {"z.md"});
    theirs.git("commit -q -m x --only -- a.md b/c.md untracked-again.md z.md");
    CHECK(ours.git("rev-parse HEAD^{tree}") == theirs.git("rev-parse HEAD^{tree}"));
    CHECK(ours.git("ls-files -s") == theirs.git("ls-files -s"));
    CHECK(ours.git("status --porcelain") == theirs.git("status --porcelain"));
  }

  TEST_CASE("a removed file leaves tree and index, and an emptied folder goes with it") {
    GitSandbox box;
    box.init();
    box.write("keep.md", "k");
    box.write("old/note.md", "n");
    box.commit_all("start");
    box.remove("old/note.md");
    const CommitReport report = box.commit({"keep.md"}, {"old/note.md", "never-there.md"});
    CHECK(report.changed == 1);
    CHECK(box.git("ls-tree -r --name-only HEAD") == "keep.md\n");
    CHECK(box.git("status --porcelain") == "");
    box.check_sound();
  }

  TEST_CASE("a removed file that is still on disk is not removed") {
    GitSandbox box;
    box.init();
    box.write("a.md", "a");
    box.commit_all("start");
    const CommitReport report = box.commit({}, {"a.md"});
    CHECK_FALSE(report.commit);
    CHECK(box.git("ls-files") == "a.md\n");
  }

  TEST_CASE("a removed path that is a folder in git removes nothing") {
    GitSandbox box;
    box.init();
    box.write("keep.md", "k");
    box.write("folder/note.md", "n");
    box.commit_all("start");
    fs::remove_all(box.path() / "folder");
    CHECK_FALSE(box.commit({"keep.md"}, {"folder", "keep.md/below.md"}).commit);
    CHECK(box.git("ls-files") == "folder/note.md\nkeep.md\n");
  }

  TEST_CASE("a file that vanished before we came stays in HEAD until it is said to be removed") {
    GitSandbox box;
    box.init();
    box.write("a.md", "a");
    box.write("b.md", "b");
    box.commit_all("start");
    box.remove("a.md");
    box.write("b.md", "b2");
    const CommitReport report = box.commit({"a.md", "b.md"});
    CHECK(reason_for(report, "a.md") == "gone from disk");
    CHECK(report.changed == 1);
    CHECK(box.git("show HEAD:a.md") == "a");
    CHECK(box.git("status --porcelain") == " D a.md\n");
  }

  TEST_CASE("the last file removed leaves an empty tree") {
    GitSandbox box;
    box.init();
    box.write("a.md", "a");
    box.commit_all("start");
    box.remove("a.md");
    CHECK(box.commit({}, {"a.md"}).changed == 1);
    CHECK(box.git("ls-tree -r HEAD") == "");
    CHECK(box.git("status --porcelain") == "");
    box.check_sound();
  }

  TEST_CASE("a locked index is Busy with a remedy, and nothing is half done") {
    GitSandbox box;
    box.init();
    box.write("a.md", "a");
    box.commit_all("start");
    box.write("a.md", "a2");
    const std::string head = box.git("rev-parse HEAD");
    const std::string index = box.read(".git/index");
    box.write(".git/index.lock", "");
    const auto report = box.try_commit({"a.md"});
    REQUIRE_FALSE(report);
    CHECK(report.error().code == ErrorCode::Busy);
    CHECK(report.error().message.find("index.lock") != std::string::npos);
    CHECK(report.error().hint.find("remove that file") != std::string::npos);
    CHECK(box.git("rev-parse HEAD") == head);
    CHECK(box.read(".git/index") == index);
    CHECK(box.exists(".git/index.lock"));
    box.remove(".git/index.lock");
    CHECK(box.commit({"a.md"}).changed == 1);
    box.check_sound();
  }

  TEST_CASE("an index lock that is given back in time is waited for") {
    GitSandbox box;
    box.init();
    box.write("a.md", "a");
    box.write(".git/index.lock", "");
    std::thread other([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
      box.remove(".git/index.lock");
    });
    CommitOptions options = GitSandbox::quick();
    options.lock_wait_ms = 10'000;
    const auto report = box.try_commit({"a.md"}, {}, options);
    other.join();
    REQUIRE(report);
    CHECK(report->commit);
  }

  TEST_CASE("when nothing has changed, no lock is needed") {
    GitSandbox box;
    box.init();
    box.write("a.md", "a");
    box.commit({"a.md"});
    box.write(".git/index.lock", "");
    CHECK_FALSE(box.commit({"a.md"}).commit);
  }

  TEST_CASE("what the person stages while we wait for the lock is seen") {
    GitSandbox box;
    box.init();
    box.write("a.md", "a");
    box.write("b.md", "b");
    set_modified(box.path() / "a.md", 1'000'000'000);  // Known by its times: not read again.
    box.commit_all("start");
    // The index as it will be when the other git command is done: another version of a.md staged,
    // and a file of theirs.
    fs::copy_file(box.path() / ".git/index", box.path() / ".git/alternate");
    box.git(
        "-c alias.with='!GIT_INDEX_FILE=.git/alternate git' with update-index --add --cacheinfo "
        "100644,$(git rev-parse "
        "HEAD:b.md),a.md --cacheinfo 100644,$(git rev-parse HEAD:b.md),theirs.txt");
    box.write("b.md", "b2");
    box.write(".git/index.lock", "");
    std::thread other([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(300));
      fs::rename(box.path() / ".git/alternate", box.path() / ".git/index");
      box.remove(".git/index.lock");
    });
    CommitOptions options = GitSandbox::quick();
    options.lock_wait_ms = 10'000;
    const auto report = box.try_commit({"a.md", "b.md"}, {}, options);
    other.join();
    REQUIRE(report);
    CHECK(box.git("show --name-only --format= HEAD") == "b.md\n");
    CHECK(box.git("status --porcelain") == "AD theirs.txt\n");
  }

  TEST_CASE("a branch lock that is given back in time is waited for") {
    GitSandbox box;
    box.init();
    box.write("a.md", "a");
    box.commit_all("start");
    box.write("a.md", "a2");
    box.write(".git/refs/heads/main.lock", "");
    std::thread other([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(150));
      box.remove(".git/refs/heads/main.lock");
    });
    const auto report = box.try_commit({"a.md"});
    other.join();
    REQUIRE_MESSAGE(report, (report ? "" : report.error().message));
    CHECK(report->changed == 1);
    CHECK(box.git("status --porcelain") == "");
  }

  TEST_CASE("a branch that cannot be moved is Busy, and the index is as it was") {
    GitSandbox box;
    box.init();
    box.write("a.md", "a");
    box.commit_all("start");
    box.write("a.md", "a2");
    const std::string index = box.read(".git/index");
    box.write(".git/refs/heads/main.lock", "");
    const auto report = box.try_commit({"a.md"});
    REQUIRE_FALSE(report);
    CHECK(report.error().code == ErrorCode::Busy);
    CHECK_FALSE(report.error().hint.empty());
    CHECK(box.read(".git/index") == index);
    box.remove(".git/refs/heads/main.lock");
    CHECK(box.git("status --porcelain") == " M a.md\n");
    box.check_sound();
  }

  TEST_CASE("a branch that moves under us is not lost: our commit goes on top of it") {
    GitSandbox box;
    box.init();
    box.write("a.md", "a");
    box.write("b.md", "b");
    box.commit_all("start");
    std::thread mover([&] {
      for (int i = 0; i < 30; ++i) {
        box.git("update-ref refs/heads/main $(git commit-tree -p main -m move$i main^{tree})");
      }
    });
    int ours = 0;
    for (int i = 0; i < 30; ++i) {
      box.write("a.md", "a" + std::to_string(i));
      const auto report = box.try_commit({"a.md"});
      if (report) {
        ours += report->commit ? 1 : 0;
      } else {
        const bool lost_race =
            report.error().code == ErrorCode::Busy || report.error().code == ErrorCode::Conflict;
        CHECK_MESSAGE(lost_race, report.error().message);
      }
    }
    mover.join();
    CHECK(ours > 0);
    CHECK(box.git("show HEAD:b.md") == "b");
    box.check_sound();
  }

  TEST_CASE("two commits of ours and the person's commits at once lose nothing") {
    GitSandbox box;
    box.init();
    for (const char* file : {"a.md", "b.md", "c.txt"}) box.write(file, "0");
    box.commit_all("start");
    CommitOptions patient = GitSandbox::quick();
    patient.lock_wait_ms = 20'000;
    const auto ours = [&](const std::string& file) {
      for (int i = 1; i <= 15; ++i) {
        box.write(file, std::to_string(i));
        const auto report = box.try_commit({file}, {}, patient);
        CHECK_MESSAGE(report, (report ? "" : report.error().message));
        CHECK((report && report->commit));
      }
    };
    std::thread first(ours, "a.md");
    std::thread second(ours, "b.md");
    int theirs = 0;
    for (int i = 1; i <= 10; ++i) {
      box.write("c.txt", std::to_string(i));
      if (box.git_code("add c.txt") == 0 && box.git_code("commit -q -m c") == 0) ++theirs;
    }
    first.join();
    second.join();
    CHECK(box.git("rev-list --count HEAD -- a.md") == "16\n");
    CHECK(box.git("rev-list --count HEAD -- b.md") == "16\n");
    CHECK(box.git("rev-list --count HEAD -- c.txt") == std::to_string(theirs + 1) + "\n");
    CHECK(box.git("show HEAD:a.md") == "15");
    CHECK(box.git("show HEAD:b.md") == "15");
    CHECK(box.git("diff --cached --name-only -- a.md b.md") == "");
    box.check_sound();
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

  TEST_CASE("conflicts left in other files stay, and a conflict in ours is refused") {
    GitSandbox box;
    box.init();
    box.write("a.md", "a");
    box.write("x.md", "base\n");
    box.commit_all("start");
    box.write("x.md", "stashed\n");
    box.git("stash -q");
    box.write("x.md", "main\n");
    box.commit_all("main");
    CHECK(box.git_code("stash pop") != 0);
    const std::string conflict = box.git("ls-files -u");
    CHECK_FALSE(conflict.empty());
    box.write("a.md", "a2");
    CHECK(box.commit({"a.md"}).changed == 1);
    CHECK(box.git("ls-files -u") == conflict);
    CHECK(box.git("status --porcelain") == "UU x.md\n");

    box.write("a.md", "a3");
    const auto refused = box.try_commit({"a.md", "x.md"});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == ErrorCode::NotAllowed);
    CHECK(refused.error().message.find("x.md has an unresolved merge conflict") !=
          std::string::npos);
    CHECK(box.git("ls-files -u") == conflict);
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

  TEST_CASE("ignored files are left out unless git tracks them") {
    GitSandbox box;
    box.init();
    box.write(".gitignore", "private/\n*.draft.md\n!kept.draft.md\n");
    box.write("known.draft.md", "one");
    box.git("add -f known.draft.md .gitignore");
    box.git("commit -q -m start");
    box.write("known.draft.md", "two");
    box.write("kept.draft.md", "k");
    box.write("new.draft.md", "n");
    box.write("private/p.md", "p");
    box.write("a.md", "a");
    const CommitReport report =
        box.commit({"a.md", "kept.draft.md", "known.draft.md", "new.draft.md", "private/p.md"});
    CHECK(reason_for(report, "new.draft.md") == "ignored by git");
    CHECK(reason_for(report, "private/p.md") == "ignored by git");
    CHECK(report.skipped.size() == 2);
    CHECK(report.files == 3);
    CHECK(box.git("show --name-only --format= HEAD") == "a.md\nkept.draft.md\nknown.draft.md\n");
    CHECK(box.git("status --porcelain") == "");
  }

  TEST_CASE("a file taken out of the index and ignored is not put back") {
    GitSandbox box;
    box.init();
    box.write("secret.md", "s");
    box.write("a.md", "a");
    box.commit_all("start");
    box.git("rm -q --cached secret.md");
    box.write(".gitignore", "secret.md\n");
    box.write("a.md", "a2");
    box.write("secret.md", "s2");
    const CommitReport report = box.commit({"a.md", "secret.md"});
    CHECK(reason_for(report, "secret.md") == "ignored by git");
    CHECK(box.git("show HEAD:secret.md") == "s");
    CHECK(box.git("status --porcelain") == "D  secret.md\n?? .gitignore\n");
  }

  TEST_CASE("the executable bit is kept, and core.fileMode=false keeps what git has") {
    GitSandbox box;
    box.init();
    box.write("run.md", "r");
    box.write("plain.md", "p");
    REQUIRE(chmod((box.path() / "run.md").c_str(), 0755) == 0);
    box.commit({"run.md", "plain.md"});
    CHECK(box.git("ls-tree HEAD --format='%(objectmode) %(path)'") ==
          "100644 plain.md\n100755 run.md\n");
    REQUIRE(chmod((box.path() / "plain.md").c_str(), 0755) == 0);
    CHECK(box.commit({"run.md", "plain.md"}).changed == 1);
    CHECK(box.git("status --porcelain") == "");

    box.git("config core.fileMode false");
    REQUIRE(chmod((box.path() / "run.md").c_str(), 0644) == 0);
    box.write("run.md", "r2");
    box.commit({"run.md", "plain.md"});
    CHECK(box.git("ls-tree HEAD --format='%(objectmode) %(path)'") ==
          "100755 plain.md\n100755 run.md\n");
    CHECK(box.git("status --porcelain") == "");
  }

  TEST_CASE("symbolic links are never committed, nor what lies behind one") {
    GitSandbox box;
    box.init();
    box.write("a.md", "a");
    box.write("real/r.md", "r");
    fs::create_symlink("a.md", box.path() / "link.md");
    fs::create_directory_symlink("real", box.path() / "alias");
    const CommitReport report = box.commit({"a.md", "link.md", "alias/r.md"});
    CHECK(reason_for(report, "link.md") == "symbolic link");
    CHECK(reason_for(report, "alias/r.md") == "symbolic link or file where a folder should be");
    CHECK(box.git("ls-tree -r --name-only HEAD") == "a.md\n");
  }

  TEST_CASE(
      "a file that took a folder's place, and a folder that took a file's, are committed as they "
      "are") {
    GitSandbox box;
    box.init();
    box.write("a/deep/x.md", "x");
    box.write("b", "file");
    box.write("c.md", "c");
    box.commit_all("start");
    fs::remove_all(box.path() / "a");
    box.write("a", "now a file");
    box.remove("b");
    box.write("b/y.md", "now a folder");
    box.commit({"a", "b/y.md"}, {"a/deep/x.md", "b"});
    CHECK(box.git("ls-tree -r --name-only HEAD") == "a\nb/y.md\nc.md\n");
    CHECK(box.git("status --porcelain") == "");
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

  TEST_CASE("a file marked assume-unchanged is left alone") {
    GitSandbox box;
    box.init();
    box.write("a.md", "a");
    box.commit_all("start");
    box.git("update-index --assume-unchanged a.md");
    box.write("a.md", "local");
    const CommitReport report = box.commit({"a.md"});
    CHECK_FALSE(report.commit);
    CHECK(reason_for(report, "a.md") == "marked assume-unchanged in git");
    CHECK(box.git("ls-files -v") == "h a.md\n");
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

  TEST_CASE("what a crash left beside the index does not stop the next commit") {
    GitSandbox box;
    box.init();
    box.write("a.md", "a");
    box.commit_all("start");
    box.write("a.md", "a2");
    for (const char* stale :
         {".git/index.diaryx-new", ".git/index.diaryx-new.lock", ".git/index.diaryx-old"}) {
      box.write(stale, "half an index");
    }
    CHECK(box.commit({"a.md"}).changed == 1);
    CHECK(box.git("status --porcelain") == "");
    box.check_sound();
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

  TEST_CASE("an intent to add of ours becomes the file") {
    GitSandbox box;
    box.init();
    box.write("a.md", "");
    box.git("add -N a.md");
    CHECK(box.commit({"a.md"}).changed == 1);
    CHECK(box.git("status --porcelain") == "");
    CHECK(box.git("ls-files -s").find("e69de29bb2d1d6434b8b29ae775ad8c2e48c5391") !=
          std::string::npos);

    // The same when HEAD has the file already.
    box.git("rm -q --cached a.md");
    box.git("add -N a.md");
    CHECK_FALSE(box.commit({"a.md"}).commit);
    CHECK(box.git("status --porcelain") == "");
    CHECK(box.git("ls-files --debug a.md").find("flags: 0\n") != std::string::npos);
  }

  TEST_CASE(
      "a version that was only staged gives way to the one on disk, even when that is HEAD's") {
    GitSandbox box;
    box.init();
    box.write("a.md", "a");
    box.commit_all("start");
    box.write("a.md", "staged");
    box.git("add a.md");
    box.write("a.md", "a");
    const CommitReport report = box.commit({"a.md"});
    CHECK_FALSE(report.commit);
    CHECK(box.git("status --porcelain") == "");
  }

  TEST_CASE("a name that git refuses does not keep the others from being committed") {
    GitSandbox box;
    box.init();
    box.write("git~1/a.md", "a");
    box.write("b.md", "b");
    const CommitReport report = box.commit({"git~1/a.md", "b.md"});
    CHECK(reason_for(report, "git~1/a.md") == "git does not allow this name");
    CHECK(box.git("ls-tree -r --name-only HEAD") == "b.md\n");
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

  TEST_CASE("the default author is git's, else Diaryx; the committer is the configured person") {
    GitSandbox box;
    box.write("a.md", "a");
    box.commit({"a.md"});
    CHECK(box.git("log -1 --format='%an <%ae>|%cn <%ce>|%at|%s'") ==
          "Diaryx <noreply@diaryx.app>|Diaryx <noreply@diaryx.app>|1700000000|"
          "Workspace snapshot at 2023-11-14 22:13:20 UTC\n");
    CHECK(box.git("log -1 -g --format=%gn") == "Diaryx\n");
    box.git("config user.name 'Ada Person'");
    box.git("config user.email ada@example.org");
    box.write("a.md", "a2");
    box.commit({"a.md"});
    CHECK(box.git("log -1 --format='%an <%ae>|%cn <%ce>'") ==
          "Ada Person <ada@example.org>|Ada Person <ada@example.org>\n");
    CommitOptions options = GitSandbox::quick();
    options.author = "Zo\xC3\xAB \xC5\xBDi\xC5\xBEka  <zoe@example.org>";
    options.message = "\n\nFirst line  \n\n\n\nbody\n\n";
    box.write("a.md", "a3");
    REQUIRE(box.try_commit({"a.md"}, {}, options));
    CHECK(box.git("log -1 --format='%an <%ae>|%cn'") ==
          "Zo\xC3\xAB \xC5\xBDi\xC5\xBEka <zoe@example.org>|Ada Person\n");
    CHECK(box.git("log -1 --format=%B") == "First line\n\nbody\n\n");
    CHECK(box.git("log -1 -g --format=%gs") == "commit: First line\n");
  }

  TEST_CASE(
      "an author or message that cannot be written is InvalidArgument, and nothing is committed") {
    GitSandbox box;
    box.init();
    box.write("a.md", "a");
    CommitOptions options = GitSandbox::quick();
    for (const char* bad :
         {"", "Ada", "Ada <>", "<a@b>", "Ada <a@b", "Ada <a@b> more", "A\nB <a@b>", "A <a<b@c>"}) {
      options.author = bad;
      const auto report = box.try_commit({"a.md"}, {}, options);
      REQUIRE_MESSAGE(!report, bad);
      CHECK(report.error().code == ErrorCode::InvalidArgument);
    }
    options.author.reset();
    for (const std::string& bad :
         {std::string("  \n \n"), std::string("a\0b", 3), std::string("\xFF")}) {
      options.message = bad;
      const auto report = box.try_commit({"a.md"}, {}, options);
      REQUIRE_FALSE(report);
      CHECK(report.error().code == ErrorCode::InvalidArgument);
    }
    CHECK(box.git_code("rev-parse HEAD") != 0);
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

  TEST_CASE("a change that keeps size and time is seen, ours and the person's") {
    GitSandbox box;
    box.init();
    box.write("a.md", "one");
    box.write("theirs.txt", "one");
    box.git("add theirs.txt");
    box.commit({"a.md"});
    // Right after the commit, within the resolution of the clock: the classic race of git's stat
    // cache.
    box.write("a.md", "two");
    box.write("theirs.txt", "two");
    CHECK(box.git("status --porcelain") == " M a.md\nAM theirs.txt\n");
    CHECK(box.commit({"a.md"}).changed == 1);
    CHECK(box.git("show HEAD:a.md") == "two");
    CHECK(box.git("status --porcelain") == "AM theirs.txt\n");
  }

  TEST_CASE("a younger index does not make a file of the person's look clean that is not") {
    GitSandbox box;
    box.init();
    // git then sees whole seconds and sizes only, as it does on file systems that have no more.
    box.git("config core.checkStat minimal");
    box.git("config core.trustCtime false");
    box.write("a.md", "a");
    box.write("theirs.txt", "one");
    set_modified(box.path() / "theirs.txt", 1'000'000'000);
    box.git("add theirs.txt");
    set_modified(box.path() / ".git/index", 1'000'000'000);
    box.write("theirs.txt", "two");
    set_modified(box.path() / "theirs.txt", 1'000'000'000);
    CHECK(box.git("--no-optional-locks status --porcelain") == "AM theirs.txt\n?? a.md\n");
    box.commit({"a.md"});
    CHECK(box.git("status --porcelain") == "AM theirs.txt\n");
  }

  TEST_CASE("a file of ours that changed just before the commit is looked at again after it") {
    GitSandbox box;
    box.init();
    box.git("config core.checkStat minimal");
    box.git("config core.trustCtime false");
    const std::int64_t soon = std::time(nullptr) + 5;
    box.write("a.md", "one");
    set_modified(box.path() / "a.md", soon);
    box.commit({"a.md"});
    box.write("a.md", "two");
    set_modified(box.path() / "a.md", soon);
    set_modified(box.path() / ".git/index", soon + 100);
    CHECK(box.git("status --porcelain") == " M a.md\n");
  }

  TEST_CASE("a file that was only touched is read once, and then known again") {
    GitSandbox box;
    box.init();
    box.write("a.md", "a");
    box.commit({"a.md"});
    set_modified(box.path() / "a.md", 1'000'000'000);
    CHECK_FALSE(box.commit({"a.md"}).commit);
    CHECK(box.git("ls-files --debug a.md").find("mtime: 1000000000:0\n") != std::string::npos);
  }

  TEST_CASE(
      "hundreds of new files go into one pack, a few into loose objects, and fsck is content with "
      "both") {
    GitSandbox box;
    box.init();
    std::vector<std::string> files;
    for (int i = 0; i < 300; ++i) {
      files.push_back("d" + std::to_string(i % 7) + "/e" + std::to_string(i % 11) + "/n" +
                      std::to_string(i) + ".md");
      box.write(files.back(),
                "note " + std::to_string(i) + std::string(static_cast<std::size_t>(i) * 37, 'x'));
    }
    const CommitReport first = box.commit(files);
    CHECK(first.files == 300);
    CHECK(first.changed == 300);
    CHECK(box.git("count-objects -v").find("packs: 1\n") != std::string::npos);
    CHECK(box.git("count-objects") == "1 objects, 4 kilobytes\n");
    CHECK(box.git("status --porcelain") == "");
    box.write(files[5], "changed");
    CHECK(box.commit(files).changed == 1);
    CHECK(box.git("count-objects -v").find("packs: 1\n") != std::string::npos);
    CHECK(box.git("status --porcelain") == "");
    box.check_sound();
    box.git("gc -q");
    box.write(files[6], "changed");
    CHECK(box.commit(files).changed == 1);
    box.check_sound();
  }

  TEST_CASE(
      "killed at any moment, a commit leaves a sound repository, and the next one completes it") {
    GitSandbox box;
    box.init();
    box.write("theirs.txt", "t");
    box.commit_all("start");
    std::vector<std::string> files;
    for (int i = 0; i < 90; ++i) files.push_back("n" + std::to_string(i) + ".md");
    for (int round = 0; round < 12; ++round) {
      for (const std::string& file : files) box.write(file, file + std::to_string(round));
      run_and_kill([&] { (void)box.try_commit(files); }, SIGKILL,
                   static_cast<useconds_t>(round) * 4'000);
      // What a person does after a crash, when git tells them to.
      for (const char* lock : {".git/index.lock", ".git/HEAD.lock", ".git/refs/heads/main.lock"})
        box.remove(lock);
      CHECK(box.git("fsck --full --strict --no-dangling --no-progress") == "");
      // Nothing is staged that undoes what is committed: the only differences are new versions.
      CHECK(box.git("diff --cached --name-only --diff-filter=D") == "");
      CHECK(box.git("diff --cached --name-only -- theirs.txt") == "");
      box.commit(files);
      CHECK(box.git("status --porcelain") == "");
    }
    CHECK(box.git("show HEAD:n7.md") == "n7.md11");
  }

  TEST_CASE("told to stop, a commit gives its locks back first") {
    GitSandbox box;
    box.init();
    std::vector<std::string> files;
    for (int i = 0; i < 20; ++i) files.push_back("n" + std::to_string(i) + ".md");
    for (int round = 0; round < 12; ++round) {
      const auto forever = [&] {
        for (int i = 0;; ++i) {
          for (const std::string& file : files)
            box.write(file, std::to_string(round) + file + std::to_string(i));
          (void)box.try_commit(files);
        }
      };
      run_and_kill(forever, SIGTERM, 20'000 + static_cast<useconds_t>(round) * 3'000);
      CHECK_FALSE(box.exists(".git/index.lock"));
      CHECK_FALSE(box.exists(".git/HEAD.lock"));
      CHECK_FALSE(box.exists(".git/refs/heads/main.lock"));
    }
    box.commit(files);
    CHECK(box.git("status --porcelain") == "");
  }
}
