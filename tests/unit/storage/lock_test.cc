#include "engine/storage/lock.h"

#include <atomic>
#include <chrono>
#include <csignal>
#include <thread>

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/temp_dir.h"

using namespace diaryx;
using namespace diaryx::storage;

namespace {

// A process that holds the lock until told to go.
class Holder {
 public:
  explicit Holder(const std::filesystem::path& dir) {
    int ready[2];
    int stop[2];
    REQUIRE(::pipe(ready) == 0);
    REQUIRE(::pipe(stop) == 0);
    pid_ = ::fork();
    REQUIRE(pid_ >= 0);
    if (pid_ == 0) {
      ::close(stop[1]);
      const auto lock = WorkspaceLock::acquire(dir, 0);
      const char answer = lock ? 'y' : 'n';
      char wait = 0;
      if (::write(ready[1], &answer, 1) != 1) ::_exit(2);
      while (::read(stop[0], &wait, 1) < 0) {
      }
      ::_exit(0);
    }
    ::close(stop[0]);
    ::close(ready[1]);
    stop_ = stop[1];
    char answer = 0;
    CHECK(::read(ready[0], &answer, 1) == 1);
    ::close(ready[0]);
    CHECK(answer == 'y');
  }
  ~Holder() { end(); }
  void end() {
    if (pid_ == 0) return;
    ::kill(pid_, SIGKILL);
    ::close(stop_);
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = 0;
  }
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = 0;
  int stop_ = -1;
};

ServerInfo info_of(std::int64_t pid) {
  return {pid, "127.0.0.1", 4040, "s3cret", "ws", "epoch", 1'700'000'000'000};
}

}  // namespace

TEST_SUITE("storage/lock") {
  TEST_CASE("the second one who wants the lock is told who has it") {
    const test::TempDir dir;
    const Holder holder(dir.path());
    CHECK(is_locked(dir.path()));
    const auto second = WorkspaceLock::acquire(dir.path(), 0);
    REQUIRE_FALSE(second);
    CHECK(second.error().code == ErrorCode::Busy);
    CHECK(second.error().message.find("process " + std::to_string(holder.pid())) !=
          std::string::npos);
  }

  TEST_CASE("two holders in one process exclude each other too") {
    const test::TempDir dir;
    auto first = WorkspaceLock::acquire(dir.path(), 0);
    REQUIRE(first);
    CHECK_FALSE(WorkspaceLock::acquire(dir.path(), 0));
    const WorkspaceLock moved = std::move(*first);
    CHECK(is_locked(dir.path()));
  }

  TEST_CASE("the lock is free when its holder is destroyed, and when it is killed") {
    const test::TempDir dir;
    { REQUIRE(WorkspaceLock::acquire(dir.path(), 0)); }
    CHECK_FALSE(is_locked(dir.path()));
    Holder holder(dir.path());
    CHECK(is_locked(dir.path()));
    holder.end();
    CHECK_FALSE(is_locked(dir.path()));
    CHECK(WorkspaceLock::acquire(dir.path(), 0));
  }

  TEST_CASE("one who waits gets the lock as soon as it is free") {
    const test::TempDir dir;
    Holder holder(dir.path());
    std::thread release([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
      holder.end();
    });
    const auto lock = WorkspaceLock::acquire(dir.path(), 10'000);
    release.join();
    CHECK(lock);
  }

  TEST_CASE("one who waits gives up in time") {
    const test::TempDir dir;
    const Holder holder(dir.path());
    const auto start = std::chrono::steady_clock::now();
    CHECK_FALSE(WorkspaceLock::acquire(dir.path(), 120));
    const auto took = std::chrono::steady_clock::now() - start;
    CHECK(took >= std::chrono::milliseconds(120));
    CHECK(took < std::chrono::seconds(5));
  }

  TEST_CASE("asking whether it is locked never takes the lock from anybody") {
    const test::TempDir dir;
    CHECK_FALSE(is_locked(dir.path()));  // No file yet.
    std::atomic<bool> stop = false;
    std::thread asker([&] {
      while (!stop) (void)is_locked(dir.path());
    });
    int failed = 0;
    for (int i = 0; i < 2000; ++i) failed += WorkspaceLock::acquire(dir.path(), 0) ? 0 : 1;
    stop = true;
    asker.join();
    CHECK(failed == 0);
  }

  TEST_CASE("a folder that is not there is not made") {
    const test::TempDir dir;
    const auto lock = WorkspaceLock::acquire(dir.path() / "none", 0);
    REQUIRE_FALSE(lock);
    CHECK(lock.error().code == ErrorCode::NotFound);
  }

  TEST_CASE("a lock file that is a link or a pipe is refused, at once") {
    const test::TempDir dir;
    dir.write("elsewhere", "text");
    std::filesystem::create_symlink(dir.path() / "elsewhere", dir.path() / "lock");
    CHECK(WorkspaceLock::acquire(dir.path(), 0).error().code == ErrorCode::NotAllowed);
    CHECK(dir.read("elsewhere") == "text");
    std::filesystem::remove(dir.path() / "lock");
    REQUIRE(::mkfifo((dir.path() / "lock").c_str(), 0600) == 0);
    CHECK(WorkspaceLock::acquire(dir.path(), 0).error().code == ErrorCode::NotAllowed);
  }

  TEST_CASE("the next holder removes what a crashed one left unfinished, and nothing else") {
    const test::TempDir dir;
    dir.write(".diaryx-abcdefghijklmnop.tmp", "torn");
    dir.write(".diaryx-abcdefghijklmnop.tmp-journal", "torn");
    dir.write(".diaryx-short.tmp", "not ours");
    dir.write("store.db", "kept");
    REQUIRE(WorkspaceLock::acquire(dir.path(), 0));
    CHECK_FALSE(dir.exists(".diaryx-abcdefghijklmnop.tmp"));
    CHECK_FALSE(dir.exists(".diaryx-abcdefghijklmnop.tmp-journal"));
    CHECK(dir.exists(".diaryx-short.tmp"));
    CHECK(dir.exists("store.db"));
  }
}

TEST_SUITE("storage/server_info") {
  TEST_CASE("what a running server wrote is read back, and only its owner can read it") {
    const test::TempDir dir;
    const auto lock = WorkspaceLock::acquire(dir.path(), 0);
    REQUIRE(lock);
    CHECK_FALSE(read_server_info(dir.path())->has_value());
    dir.write("server.json", "older, and readable by all");
    REQUIRE(write_server_info(dir.path(), info_of(::getpid())));
    struct stat found {};
    REQUIRE(::stat((dir.path() / "server.json").c_str(), &found) == 0);
    CHECK((found.st_mode & 0777) == 0600);

    const auto info = read_server_info(dir.path());
    REQUIRE(info);
    REQUIRE(*info);
    CHECK((*info)->pid == ::getpid());
    CHECK((*info)->host == "127.0.0.1");
    CHECK((*info)->port == 4040);
    CHECK((*info)->token == "s3cret");
    CHECK((*info)->workspace_id == "ws");
    CHECK((*info)->epoch == "epoch");
    CHECK((*info)->started_ms == 1'700'000'000'000);
    remove_server_info(dir.path());
    CHECK_FALSE(read_server_info(dir.path())->has_value());
  }

  TEST_CASE("the file of a killed server is not believed") {
    const test::TempDir dir;
    REQUIRE(write_server_info(dir.path(), info_of(::getpid())));
    CHECK_FALSE(read_server_info(dir.path())->has_value());  // There is no lock.
    { REQUIRE(WorkspaceLock::acquire(dir.path(), 0)); }
    CHECK_FALSE(read_server_info(dir.path())->has_value());  // Nobody holds it.
    const Holder other(dir.path());
    CHECK_FALSE(read_server_info(dir.path())->has_value());  // Somebody else holds it.
  }

  TEST_CASE("a server.json that we did not write is an error, not a server") {
    const test::TempDir dir;
    const auto lock = WorkspaceLock::acquire(dir.path(), 0);
    REQUIRE(lock);
    for (const char* text :
         {"", "[]", "{\"pid\":1}",
          "{\"pid\":1,\"host\":\"h\",\"port\":99999,\"token\":\"\",\"workspace_id\":\"\","
          "\"epoch\":\"\",\"started_ms\":0}"}) {
      dir.write("server.json", text);
      const auto info = read_server_info(dir.path());
      REQUIRE_FALSE(info);
      CHECK(info.error().code == ErrorCode::Malformed);
    }
  }
}
