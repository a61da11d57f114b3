// The one thread that owns the workspace. What happens elsewhere reaches it as values, through one
// queue; what it decides leaves as values.
//
//   turn := take what is queued → apply it to hub and disk → end_turn(): one durable append for all
//   of it → tell → hand out disk
//           work → answer those who called
//
// A turn takes everything that came while the last one was being made durable, so that the slower
// the disk is, the more updates share one append. What the net thread reads at one go (transport.h)
// comes at one go, too. What the disk's threads say wants nobody's answer: it waits a moment for
// company.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/result.h"
#include "engine/engine.h"
#include "web/metrics.h"
#include "web/transport.h"

namespace diaryx::web {

class CoreLoop {
 public:
  // Called on the core thread; they must not block.
  struct Sinks {
    std::function<void(sync::Turn, std::vector<Handled>)> tell;
    std::function<void(std::vector<sync::DiskTask>)> work;
    // The shares, whenever they have changed.
    std::function<void(std::vector<sync::Share>)> shares;
    // Nothing may be served from here on. Called once.
    std::function<void(const Error&)> broken;
  };
  // The clock must outlive it.
  CoreLoop(std::unique_ptr<Workspace> workspace, const Clock& clock, Sinks sinks);
  ~CoreLoop();

  void start();
  // Works off what is queued, ends the thread and gives the workspace back. Calls that come later
  // are refused.
  std::unique_ptr<Workspace> stop();

  // --- One thread: net ---
  // Nothing is done before submit().
  void connect(sync::ConnectionId id, sync::Visitor visitor);
  void receive(sync::ConnectionId id, bool text, Bytes message);
  void disconnect(sync::ConnectionId id);
  void submit();

  // --- Any thread ---
  void disk_done(sync::DiskResult result);
  void paths_changed(std::set<WorkspacePath> paths);
  void rescan();

  // Runs `action(Workspace&)` on the core thread and returns what it returned, once what it did is
  // durable; if it could not be made durable, why. Interrupted when the loop has ended. `action`
  // returns a value or a Result.
  template <class Action>
  auto call(Action action) {
    using Returned = std::invoke_result_t<Action, Workspace&>;
    using Answer = typename AsResult<Returned>::type;
    auto promise = std::make_shared<std::promise<Answer>>();
    auto answer = std::make_shared<std::optional<Answer>>();
    std::future<Answer> future = promise->get_future();
    const bool queued = push(Task{
        [answer, action = std::move(action)](Workspace& workspace) mutable {
          answer->emplace(action(workspace));
        },
        [answer, promise](const std::optional<Error>& lost) {
          promise->set_value(lost ? Answer(*lost) : *std::move(*answer));
        },
    });
    if (!queued) return Answer(stopped());
    return wait_for(future);
  }

  // Everything that waits to be written to disk is written now, without its quiet time; with
  // `look_first`, the disk is listed and taken in before. Returns when that is done; LimitExceeded
  // after `wait_ms`.
  Status settle(bool look_first, std::int64_t wait_ms);
  // Those who wait in settle() now are sent home.
  void give_up_waiting();
  const CoreCounts& counts() const noexcept { return counts_; }

 private:
  template <class T>
  struct AsResult {
    using type = Result<T>;
  };
  template <class T>
  struct AsResult<Result<T>> {
    using type = Result<T>;
  };

  struct Connect {
    sync::ConnectionId id;
    sync::Visitor visitor;
  };
  struct Message {
    sync::ConnectionId id;
    bool text;
    Buffer bytes;
  };
  struct Disconnect {
    sync::ConnectionId id;
  };
  struct PathsChanged {
    std::set<WorkspacePath> paths;
  };
  struct Rescan {};
  // Done in the turn; answered after it.
  struct Task {
    std::function<void(Workspace&)> act;
    std::function<void(const std::optional<Error>& lost)> answer;
  };
  // Somebody waits until disk and documents have nothing more to say to each other.
  struct Settling {
    std::int64_t deadline_ms;
    std::shared_ptr<std::promise<Status>> promise;
    bool look_first;
  };
  struct GiveUp {};
  using Event = std::variant<Connect, Message, Disconnect, PathsChanged, Rescan, sync::DiskResult,
                             Task, Settling, GiveUp>;

  static Error stopped();
  template <class Answer>
  static Answer wait_for(std::future<Answer>& future) {
    try {
      return future.get();
    } catch (const std::exception&) {
      return stopped();  // The promise died with the loop.
    }
  }

  // False: it is too late. A patient event lets others come before a turn begins.
  bool push(Event event, bool patient = false);
  void run();
  // False: time to end.
  bool wait();
  void turn();
  void apply(Event& event);
  void handled(sync::ConnectionId id, std::size_t bytes);
  void answer_settling(bool give_up);
  void count(const sync::Turn& told);

  std::unique_ptr<Workspace> workspace_;
  const Clock& clock_;
  const Sinks sinks_;
  std::thread thread_;

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Event> incoming_;  // Guarded by mutex_.
  bool urgent_ = false;         // Guarded by mutex_: some of them are not patient.
  bool stopping_ = false;       // Guarded by mutex_.
  bool ended_ = false;          // Guarded by mutex_: nothing more is taken.

  std::vector<Event> batch_;  // Net thread only.

  // Core thread only.
  std::deque<Event> events_;
  std::chrono::steady_clock::time_point turn_ended_;
  struct Owed {
    std::function<void(const std::optional<Error>& lost)> give;
    bool changed_something;
  };
  std::vector<Owed> answers_;
  std::uint64_t told_shares_ = 0;  // The version that was told last.
  std::vector<Settling> settling_;
  std::vector<Handled> handled_;
  std::unordered_map<sync::ConnectionId, std::size_t> handled_at_;  // Place in handled_.
  bool failed_ = false;

  CoreCounts counts_;
};

}  // namespace diaryx::web
