// What was reported as committed is there after the process was killed, at any moment.
#include <chrono>
#include <thread>

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/random.h"
#include "engine/storage/store.h"
#include "tests/support/temp_dir.h"

using namespace diaryx;
using namespace diaryx::storage;

namespace {

// Numbers are spread over so many documents, so many to a transaction: one append for each, or
// one for all, which of so many documents is a turn.
struct Load {
  std::uint64_t docs;
  std::uint64_t batch;
  bool at_one_go;
  std::uint64_t longest;  // Octets, about.
};

std::string doc_name(const Load& load, std::uint64_t n) {
  return "body/" + std::to_string(n % load.docs);
}
std::string text_of(const Load& load, std::uint64_t n) {
  return std::to_string(n) + std::string(n % load.longest, '.');
}

// Appends numbers from `next` and writes each batch's first down the pipe once its transaction is
// done. Now and then it folds a document into the list of its numbers.
[[noreturn]] void write_until_killed(const std::filesystem::path& file, const Load& load,
                                     std::uint64_t next, int report) {
  auto store = Store::open(file, OpenMode::Create);
  if (!store) ::_exit(1);
  for (;; next += load.batch) {
    auto transaction = (*store)->begin();
    if (!transaction) ::_exit(2);
    std::vector<NewUpdate> updates;
    for (std::uint64_t n = next; n < next + load.batch; ++n) {
      updates.push_back(
          {doc_name(load, n), to_buffer(as_bytes(text_of(load, n))), UpdateOrigin::Local, 0});
      if (!load.at_one_go && !(*store)->append({&updates.back(), 1})) ::_exit(3);
    }
    if (load.at_one_go && !(*store)->append(updates)) ::_exit(3);
    if (!transaction->commit()) ::_exit(4);
    if (::write(report, &next, sizeof next) != sizeof next) ::_exit(5);
    if (next % 7 != 0) continue;
    const std::string doc = doc_name(load, next);
    const auto stored = (*store)->load(doc);
    if (!stored) ::_exit(6);
    Snapshot snapshot{stored->snapshot ? stored->snapshot->covers_seq : 0, {}};
    if (stored->snapshot) snapshot.state = stored->snapshot->state;
    for (const StoredUpdate& u : stored->updates) {
      snapshot.state.insert(snapshot.state.end(), u.data.begin(), u.data.end());
      snapshot.state.push_back('\n');
      snapshot.covers_seq = u.seq;
    }
    if (!(*store)->fold(doc, snapshot)) ::_exit(7);
  }
}

// All of a document's updates, in order, a line each.
std::string whole(Store& store, const std::string& doc) {
  const auto stored = store.load(doc);
  REQUIRE_MESSAGE(stored, (stored ? "" : stored.error().message));
  std::string text;
  if (stored->snapshot) text = as_text(stored->snapshot->state);
  for (const StoredUpdate& u : stored->updates) text += std::string(as_text(u.data)) + "\n";
  return text;
}

}  // namespace

TEST_SUITE("storage/kill") {
  TEST_CASE("every commit that was reported survives kill -9, and no batch is torn") {
    Load load{.docs = 5, .batch = 3, .at_one_go = false, .longest = 700};
    SUBCASE("of few documents") {}
    SUBCASE("of many at one go, which are turns") {
      load = {.docs = 60, .batch = 60, .at_one_go = true, .longest = 3'000};
    }
    const test::TempDir dir;
    const auto file = dir.path() / "store.db";
    SeededRandom random(20);
    std::uint64_t reported = 0;  // Numbers below this were reported as committed.
    for (int round = 0; round < 25; ++round) {
      CAPTURE(round);
      int pipe_ends[2];
      REQUIRE(::pipe(pipe_ends) == 0);
      const pid_t pid = ::fork();
      REQUIRE(pid >= 0);
      if (pid == 0) {
        ::close(pipe_ends[0]);
        write_until_killed(file, load, reported, pipe_ends[1]);
      }
      ::close(pipe_ends[1]);
      std::uint64_t number = 0;
      for (std::uint64_t some = 1 + random.below(20); some > 0; --some) {
        REQUIRE(::read(pipe_ends[0], &number, sizeof number) == sizeof number);
        reported = number + load.batch;
      }
      std::this_thread::sleep_for(std::chrono::microseconds(random.below(1'000)));
      ::kill(pid, SIGKILL);
      while (::read(pipe_ends[0], &number, sizeof number) == sizeof number)
        reported = number + load.batch;
      ::close(pipe_ends[0]);
      int status = 0;
      ::waitpid(pid, &status, 0);
      REQUIRE(WIFSIGNALED(status));  // It ended by our hand, not by an error of its own.

      // What lies there is whole as it lies, before anybody writes to it.
      const auto reader = Store::open(file, OpenMode::ReadOnly);
      REQUIRE(reader);
      CHECK((*reader)->verify()->empty());
      const auto store = Store::open(file, OpenMode::Create);
      REQUIRE_MESSAGE(store, (store ? "" : store.error().message));
      // One batch may have been committed and not yet reported.
      std::uint64_t stored = 0;
      const auto docs = (*store)->list_docs("body/");
      for (const DocStat& stat : *docs) stored += static_cast<std::uint64_t>(stat.last_seq);
      CHECK(stored >= reported);
      CHECK(stored <= reported + load.batch);
      CHECK(stored % load.batch == 0);
      reported = stored;
      std::vector<std::string> expected(load.docs);
      for (std::uint64_t n = 0; n < reported; ++n)
        expected[n % load.docs] += text_of(load, n) + "\n";
      for (std::uint64_t d = 0; d < load.docs; ++d)
        CHECK(whole(**store, doc_name(load, d)) == expected[d]);
    }
    CHECK(reported > 100);  // The test did something.
  }

  TEST_CASE("killed while it is filled for the first time, a store is there and empty") {
    SeededRandom random(22);
    int interrupted = 0;
    for (int round = 0; round < 8; ++round) {
      const test::TempDir dir;
      const auto file = dir.path() / "store.db";
      int pipe_ends[2];
      REQUIRE(::pipe(pipe_ends) == 0);
      const pid_t pid = ::fork();
      REQUIRE(pid >= 0);
      if (pid == 0) {
        auto store = Store::open(file, OpenMode::Create);
        if (!store) ::_exit(1);
        auto transaction = (*store)->begin();
        const Snapshot snapshot{0, Buffer(1U << 20U, 'x')};
        for (int n = 0;; ++n) {
          if (!(*store)->fold("body/" + std::to_string(n), snapshot)) ::_exit(2);
          // By now it has outgrown the page cache: the file itself has been written to.
          if (n == 40 && ::write(pipe_ends[1], "x", 1) != 1) ::_exit(3);
        }
      }
      char told = 0;
      ::close(pipe_ends[1]);
      REQUIRE(::read(pipe_ends[0], &told, 1) == 1);
      ::close(pipe_ends[0]);
      std::this_thread::sleep_for(std::chrono::microseconds(random.below(20'000)));
      ::kill(pid, SIGKILL);
      int status = 0;
      ::waitpid(pid, &status, 0);
      REQUIRE(WIFSIGNALED(status));
      const auto reader = Store::open(file, OpenMode::ReadOnly);
      if (reader) {
        CHECK((*reader)->list_docs("")->empty());
      } else {
        ++interrupted;
        CHECK(reader.error().code == ErrorCode::NotAllowed);
        CHECK(reader.error().hint.find("init") != std::string::npos);
      }
      const auto store = Store::open(file, OpenMode::Create);
      REQUIRE_MESSAGE(store, (store ? "" : store.error().message));
      CHECK((*store)->list_docs("")->empty());
    }
    CHECK(interrupted > 0);
  }

  TEST_CASE("killed while it is being made, a store is whole or not there") {
    SeededRandom random(21);
    int made = 0;
    // How long it takes here and now, so that the kills fall into it.
    const test::TempDir first;
    const auto start = std::chrono::steady_clock::now();
    REQUIRE(Store::open(first.path() / "store.db", OpenMode::Create));
    const auto took = std::chrono::duration_cast<std::chrono::microseconds>(
        std::chrono::steady_clock::now() - start);
    const auto longest = static_cast<std::uint64_t>(took.count()) * 3;
    for (int round = 0; round < 40; ++round) {
      const test::TempDir dir;
      const auto file = dir.path() / "store.db";
      const pid_t pid = ::fork();
      REQUIRE(pid >= 0);
      if (pid == 0) {
        (void)Store::open(file, OpenMode::Create);
        ::_exit(0);
      }
      std::this_thread::sleep_for(std::chrono::microseconds(random.below(longest)));
      ::kill(pid, SIGKILL);
      int status = 0;
      ::waitpid(pid, &status, 0);
      const auto store = Store::open(file, OpenMode::ReadOnly);
      if (store) {
        ++made;
      } else {
        CHECK(store.error().code == ErrorCode::NotFound);
      }
      CHECK(Store::open(file, OpenMode::Create));
    }
    MESSAGE("made in time: ", made, " of 40");
  }
}
