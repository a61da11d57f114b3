#include "web/event_loop.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <utility>

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "engine/base/check.h"

namespace diaryx::web {
namespace {

// So many sockets are looked at before what was posted has its turn.
constexpr std::size_t kMostReady = 512;

epoll_event event_for(std::uint64_t key, EventLoop::Interest interest) {
  epoll_event event{};
  event.events = (interest.read ? std::uint32_t{EPOLLIN} : 0U) |
                 (interest.write ? std::uint32_t{EPOLLOUT} : 0U);
  event.data.u64 = key;
  return event;
}

}  // namespace

Result<std::unique_ptr<EventLoop>> EventLoop::make() {
  Fd sockets(::epoll_create1(EPOLL_CLOEXEC));
  if (!sockets) return errno_error(errno, "epoll");
  Fd wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake) return errno_error(errno, "eventfd");
  return std::unique_ptr<EventLoop>(new EventLoop(std::move(sockets), std::move(wake)));
}

void EventLoop::post(Task task) {
  {
    const std::lock_guard lock(mutex_);
    posted_.push_back(std::move(task));
    if (posted_.size() > 1) return;  // Whoever put the first one there wakes it.
  }
  const std::uint64_t one = 1;
  // Only a full counter could refuse it, and then it wakes in any case.
  [[maybe_unused]] const ssize_t ignored = ::write(wake_.get(), &one, sizeof one);
}

void EventLoop::stop() {
  post([this] {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  });
}

bool EventLoop::watch(int socket, std::uint64_t key, Interest interest) {
  epoll_event event = event_for(key, interest);
  return ::epoll_ctl(sockets_.get(), EPOLL_CTL_ADD, socket, &event) == 0;
}

void EventLoop::change(int socket, std::uint64_t key, Interest interest) {
  epoll_event event = event_for(key, interest);
  DX_CHECK(::epoll_ctl(sockets_.get(), EPOLL_CTL_MOD, socket, &event) == 0);
}

void EventLoop::forget(int socket) {
  DX_CHECK(::epoll_ctl(sockets_.get(), EPOLL_CTL_DEL, socket, nullptr) == 0);
}

void EventLoop::after(std::chrono::milliseconds delay, Task task) {
  timers_.emplace(Clock::now() + delay, std::move(task));
}

void EventLoop::wait(bool look_at_sockets, Clock::time_point until) {
  if (!timers_.empty()) until = std::min(until, timers_.begin()->first);
  timespec left{};
  if (until != Clock::time_point::max()) {
    const auto ns = std::max<std::int64_t>(
        std::chrono::duration_cast<std::chrono::nanoseconds>(until - Clock::now()).count(), 0);
    left = {static_cast<time_t>(ns / 1'000'000'000), static_cast<long>(ns % 1'000'000'000)};
  }
  std::array<pollfd, 2> waiting{{{wake_.get(), POLLIN, 0}, {sockets_.get(), POLLIN, 0}}};
  const int came = ::ppoll(waiting.data(), look_at_sockets ? 2 : 1,
                           until == Clock::time_point::max() ? nullptr : &left, nullptr);
  if (came <= 0 || waiting[0].revents == 0) return;
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t ignored = ::read(wake_.get(), &count, sizeof count);
}

void EventLoop::run_posted() {
  std::vector<Task> tasks;
  {
    const std::lock_guard lock(mutex_);
    tasks.swap(posted_);
  }
  for (Task& task : tasks) std::exchange(task, nullptr)();
}

void EventLoop::run_timers() {
  if (timers_.empty()) return;
  const Clock::time_point now = Clock::now();
  while (!timers_.empty() && timers_.begin()->first <= now)
    timers_.extract(timers_.begin()).mapped()();
}

bool EventLoop::turn(bool look_at_sockets, Clock::time_point until) {
  wait(look_at_sockets, until);
  run_posted();
  run_timers();
  const std::lock_guard lock(mutex_);
  return !stopped_;
}

std::span<const EventLoop::Ready> EventLoop::ready() {
  std::array<epoll_event, kMostReady> events;
  const int count = ::epoll_wait(sockets_.get(), events.data(), static_cast<int>(events.size()), 0);
  ready_.clear();
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    const bool gone = (event.events & (EPOLLERR | EPOLLHUP)) != 0;
    ready_.push_back({.key = event.data.u64,
                      .readable = gone || (event.events & EPOLLIN) != 0,
                      .writable = gone || (event.events & EPOLLOUT) != 0});
  }
  return ready_;
}

}  // namespace diaryx::web
