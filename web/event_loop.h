// What one thread waits for: its sockets, its timers, and what other threads want done on it.
//
// The sockets are in an epoll set of their own, level-triggered, so that to read from one again
// costs no call but the read; and the thread waits for that set or does not, as the owner says.
// While it does not, what comes in lies in the kernel, wakes nobody, and is found all at once.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "engine/base/posix.h"
#include "engine/base/result.h"

namespace diaryx::web {

class EventLoop {
 public:
  using Clock = std::chrono::steady_clock;
  using Task = std::function<void()>;

  // A socket that can be read from or written to, or whose peer is gone (then both).
  struct Ready {
    std::uint64_t key;
    bool readable;
    bool writable;
  };
  struct Interest {
    bool read = false;
    bool write = false;
    friend bool operator==(const Interest&, const Interest&) = default;
  };

  static Result<std::unique_ptr<EventLoop>> make();

  // --- Any thread ---
  // Runs `task` on the loop's thread.
  void post(Task task);
  // Makes turn() return false from now on.
  void stop();

  // --- The loop's thread ---
  // `key` comes back in Ready. False: the system has no room for it.
  bool watch(int socket, std::uint64_t key, Interest interest);
  void change(int socket, std::uint64_t key, Interest interest);
  // Before the descriptor is closed.
  void forget(int socket);
  void after(std::chrono::milliseconds delay, Task task);

  // Waits until there is something to do, runs what was posted and the timers that are due. False:
  // stopped. With `look_at_sockets`, sockets that are ready are something, too; `until` is as if a
  // timer were due then.
  bool turn(bool look_at_sockets, Clock::time_point until = Clock::time_point::max());
  // Those that are ready now; borrows until the next call.
  std::span<const Ready> ready();

 private:
  EventLoop(Fd sockets, Fd wake) : sockets_(std::move(sockets)), wake_(std::move(wake)) {}
  void wait(bool look_at_sockets, Clock::time_point until);
  void run_posted();
  void run_timers();

  Fd sockets_;  // epoll.
  Fd wake_;     // eventfd.
  std::multimap<Clock::time_point, Task> timers_;
  std::vector<Ready> ready_;
  std::mutex mutex_;
  std::vector<Task> posted_;  // Guarded by mutex_.
  bool stopped_ = false;      // Guarded by mutex_.
};

}  // namespace diaryx::web
