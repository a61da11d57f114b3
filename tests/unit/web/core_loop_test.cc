#include "web/core_loop.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <map>
#include <mutex>
#include <thread>

#include <doctest/doctest.h>

#include "engine/crdt/doc.h"
#include "engine/protocol/frame.h"
#include "engine/protocol/sync_message.h"
#include "tests/support/temp_dir.h"

using namespace diaryx;
using namespace diaryx::web;
using namespace std::chrono_literals;

namespace {

// A core loop whose disk work nobody does and whose words nobody hears, but both are noted.
class Core {
 public:
  Core() {
    auto workspace =
        Workspace::open({.root = folder.path(), .access = Access::Create}, clock_, random_);
    REQUIRE(workspace);
    CoreLoop::Sinks sinks;
    sinks.tell = [this](sync::Turn turn, std::vector<Handled> handled) {
      const std::lock_guard lock(mutex_);
      std::size_t octets = 0;
      for (const sync::Outgoing& out : turn.sends) octets += out.payload->size();
      most_told_ = std::max(most_told_, octets);
      for (const Handled& part : handled) {
        handled_[part.connection].first += part.messages;
        handled_[part.connection].second += part.bytes;
      }
      for (const sync::Closing& closing : turn.closes) closed_[closing.connection] = closing.code;
    };
    sinks.work = [this](std::vector<sync::DiskTask> tasks) { tasks_ += tasks.size(); };
    sinks.shares = [](const std::vector<sync::Share>&) {};
    sinks.broken = [](const Error& error) { FAIL_CHECK(error.message); };
    loop_ = std::make_unique<CoreLoop>(std::move(*workspace), clock_, std::move(sinks));
    loop_->start();
  }
  CoreLoop& operator*() { return *loop_; }
  CoreLoop* operator->() { return loop_.get(); }
  // After everything queued before has been dealt with.
  std::pair<std::uint32_t, std::uint64_t> handled(sync::ConnectionId id) {
    (void)loop_->call([](Workspace&) { return 0; });
    const std::lock_guard lock(mutex_);
    return handled_[id];
  }
  std::optional<sync::CloseCode> closed(sync::ConnectionId id) {
    (void)loop_->call([](Workspace&) { return 0; });
    const std::lock_guard lock(mutex_);
    const auto at = closed_.find(id);
    return at == closed_.end() ? std::nullopt : std::optional(at->second);
  }
  std::size_t tasks() const { return tasks_; }
  // Octets in one turn.
  std::size_t most_told() {
    const std::lock_guard lock(mutex_);
    return most_told_;
  }

  test::TempDir folder;

 private:
  SystemClock clock_;
  SystemRandom random_;
  std::mutex mutex_;
  std::map<sync::ConnectionId, std::pair<std::uint32_t, std::uint64_t>> handled_;
  std::map<sync::ConnectionId, sync::CloseCode> closed_;
  std::size_t most_told_ = 0;
  std::atomic<std::size_t> tasks_{0};
  std::unique_ptr<CoreLoop> loop_;
};

}  // namespace

TEST_SUITE("web/core_loop") {
  TEST_CASE("a call runs on the core's thread and brings back its value or its error") {
    Core core;
    const auto thread = core->call([](Workspace&) { return std::this_thread::get_id(); });
    REQUIRE(thread);
    CHECK(*thread != std::this_thread::get_id());
    const auto error = core->call([](Workspace&) -> Result<int> {
      return Error{ErrorCode::Conflict, "not that way"};
    });
    REQUIRE_FALSE(error);
    CHECK(error.error().code == ErrorCode::Conflict);
  }

  TEST_CASE("calls from many threads are all answered, also while the loop is being stopped") {
    Core core;
    std::atomic<int> answered{0};
    std::atomic<int> refused{0};
    std::vector<std::thread> callers;
    for (int i = 0; i < 8; ++i) {
      callers.emplace_back([&] {
        for (int k = 0; k < 200; ++k) {
          const auto answer = core->call([k](Workspace&) { return k; });
          if (answer) {
            answered += *answer == k ? 1 : 0;
          } else {
            refused += answer.error().code == ErrorCode::Interrupted ? 1 : 0;
          }
        }
      });
    }
    std::this_thread::sleep_for(2ms);
    CHECK(core->stop() != nullptr);
    for (std::thread& caller : callers) caller.join();
    CHECK(answered + refused == 1600);
    CHECK_FALSE(core->call([](Workspace&) { return 0; }));
    CHECK_FALSE(core->settle(false, 0));
  }

  TEST_CASE("messages are counted back to the connection they came from, whatever they were") {
    Core core;
    core->connect(1, {.principal = {.user_id = "owner"}, .endpoint = {}});
    core->connect(2, {.principal = {.user_id = "owner"}, .endpoint = {}});
    for (int i = 0; i < 3; ++i) core->receive(1, true, as_bytes("{}"));
    core->receive(2, false, as_bytes("\x7f no such frame"));
    core->receive(7, false, as_bytes("never connected"));
    core->submit();
    CHECK(core.handled(1) == std::pair<std::uint32_t, std::uint64_t>(3, 6));
    CHECK(core.handled(2).first == 1);
    CHECK(core.handled(7).first == 1);
    CHECK(core.closed(2) == sync::CloseCode::Malformed);
    CHECK_FALSE(core.closed(1));
    core->disconnect(1);
    core->disconnect(7);
    core->submit();
    CHECK(*core->call([](Workspace& workspace) { return workspace.hub().connections(); }) <= 1);
  }

  TEST_CASE("many questions with large answers are spread over turns") {
    Core core;
    const std::string id =
        *core->call([](Workspace& workspace) { return workspace.info().workspace_id; });
    const auto frame = [&](Bytes payload) {
      return *protocol::encode_frame("body:" + id + "/a.md", payload, protocol::Framing::ShortName);
    };
    crdt::Doc doc(crdt::DocOptions{.client_id = 5});
    doc.text("body").insert(0, std::string(1U << 20U, 'x'));
    Buffer update;
    protocol::write_update(update, doc.encode_state_as_update());
    core->connect(1, {.principal = {.user_id = "owner"}, .endpoint = {}});
    core->receive(1, false, frame(update));
    core->submit();
    Buffer question;
    protocol::write_sync_step1(question, Buffer{0});
    for (int i = 0; i < 100; ++i) core->receive(1, false, frame(question));
    core->submit();
    CHECK(core.handled(1).first == 101);
    CHECK(core.most_told() >= 8U << 20U);
    CHECK(core.most_told() < 10U << 20U);
  }

  TEST_CASE("what the disk says one by one shares turns") {
    Core core;
    (void)core->call([](Workspace&) { return 0; });
    const std::uint64_t before = core->counts().turns.get();
    for (int i = 0; i < 40; ++i) {
      core->paths_changed({});
      std::this_thread::sleep_for(200us);
    }
    (void)core->call([](Workspace&) { return 0; });
    CHECK(core->counts().turns.get() - before < 20);
  }

  TEST_CASE("a call whose turn could not be kept brings back why, and nothing of it is there") {
    Core core;
    const auto add = [](Workspace& workspace) {
      return workspace.notes().create({.title = "New", .path = {}, .parent = {}, .body = {}});
    };
    REQUIRE(core->call(add));
    const auto store = core.folder.path() / ".diaryx/store.db";
    const auto aside = core.folder.path() / ".diaryx/aside.db";
    std::filesystem::rename(store, aside);
    std::filesystem::copy_file(aside, store);  // Another file of that name: not ours to write to.
    CHECK_FALSE(core->call(add));
    std::filesystem::rename(aside, store);
    CHECK(*core->call([](Workspace& workspace) { return workspace.files().size(); }) == 1);
    CHECK(core->call(add));
  }

  TEST_CASE(
      "one who waits for the disk is told when it takes too long, and when nobody waits any more") {
    Core core;  // Nobody lists the disk: it never settles.
    const auto late = core->settle(true, 30);
    REQUIRE_FALSE(late);
    CHECK(late.error().code == ErrorCode::LimitExceeded);
    CHECK(core.tasks() >= 1);
    std::atomic<bool> done{false};
    std::thread waiter([&] {
      const auto given_up = core->settle(true, 60'000);
      done = true;
      REQUIRE_FALSE(given_up);
      CHECK(given_up.error().code == ErrorCode::Interrupted);
    });
    while (!done) {  // It may not have begun to wait yet.
      core->give_up_waiting();
      std::this_thread::sleep_for(5ms);
    }
    waiter.join();
    const auto again = core->settle(true, 30);  // Giving up is for those who waited then.
    REQUIRE_FALSE(again);
    CHECK(again.error().code == ErrorCode::LimitExceeded);
  }
}
