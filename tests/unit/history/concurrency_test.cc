// Others at work at the same time, crashes, and the stat cache: what may not be lost, and what may
// not be seen too late.
#include <ctime>
#include <functional>
#include <thread>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/history/commit.h"
#include "tests/unit/history/git_sandbox.h"

namespace fs = std::filesystem;
using diaryx::ErrorCode;
using diaryx::history::CommitOptions;
using diaryx::test::GitSandbox;

namespace {

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

TEST_SUITE("history/concurrency") {
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
