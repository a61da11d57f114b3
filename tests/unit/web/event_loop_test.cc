#include "web/event_loop.h"

#include <array>
#include <string>
#include <thread>

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>

using namespace diaryx;
using namespace diaryx::web;
using namespace std::chrono_literals;

namespace {

struct Pair {
  Pair() {
    std::array<int, 2> ends{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()) == 0);
    ours = Fd(ends[0]);
    theirs = Fd(ends[1]);
  }
  void say(const char* octets) const {
    REQUIRE(::write(theirs.get(), octets, std::char_traits<char>::length(octets)) > 0);
  }
  Fd ours;
  Fd theirs;
};

EventLoop::Clock::time_point in(std::chrono::milliseconds delay) {
  return EventLoop::Clock::now() + delay;
}

}  // namespace

TEST_SUITE("web/event_loop") {
  TEST_CASE("what other threads post is done once each, in order, and wakes the loop") {
    auto loop = *EventLoop::make();
    std::string done;
    std::thread other([&] {
      for (const char c : std::string("abc")) loop->post([&done, c] { done += c; });
      std::this_thread::sleep_for(20ms);
      loop->post([&done] { done += 'd'; });
    });
    while (done.size() < 4) REQUIRE(loop->turn(true));
    other.join();
    CHECK(done == "abcd");
    CHECK(loop->turn(true, in(1ms)));
    CHECK(done == "abcd");
  }

  TEST_CASE("a task may post another, which has the next turn") {
    auto loop = *EventLoop::make();
    int runs = 0;
    loop->post([&] {
      ++runs;
      loop->post([&] { ++runs; });
    });
    CHECK(loop->turn(true));
    CHECK(runs == 1);
    CHECK(loop->turn(true));
    CHECK(runs == 2);
  }

  TEST_CASE("timers come in the order of their times, not before, and once") {
    auto loop = *EventLoop::make();
    std::string done;
    const auto start = EventLoop::Clock::now();
    loop->after(30ms, [&] { done += 'b'; });
    loop->after(10ms, [&] { done += 'a'; });
    while (done.size() < 2) REQUIRE(loop->turn(true));
    CHECK(done == "ab");
    CHECK(EventLoop::Clock::now() - start >= 30ms);
    CHECK(loop->turn(true, in(40ms)));
    CHECK(done == "ab");
  }

  TEST_CASE("a socket is told as long as it has something to read, and only if we look") {
    auto loop = *EventLoop::make();
    const Pair pair;
    REQUIRE(loop->watch(pair.ours.get(), 7, {.read = true}));
    CHECK(loop->ready().empty());
    pair.say("x");
    const auto start = EventLoop::Clock::now();
    CHECK(loop->turn(false, in(20ms)));  // Does not wake us.
    CHECK(EventLoop::Clock::now() - start >= 20ms);
    CHECK(loop->turn(true));  // Does.
    for (int i = 0; i < 2; ++i) {
      const auto ready = loop->ready();
      REQUIRE(ready.size() == 1);
      CHECK(ready[0].key == 7);
      CHECK(ready[0].readable);
      CHECK_FALSE(ready[0].writable);
    }
    std::array<char, 8> octets{};
    REQUIRE(::read(pair.ours.get(), octets.data(), octets.size()) == 1);
    CHECK(loop->ready().empty());
  }

  TEST_CASE("interest may change, and end") {
    auto loop = *EventLoop::make();
    const Pair pair;
    REQUIRE(loop->watch(pair.ours.get(), 7, {}));
    pair.say("x");
    CHECK(loop->ready().empty());
    loop->change(pair.ours.get(), 8, {.read = true, .write = true});
    REQUIRE(loop->ready().size() == 1);
    CHECK(loop->ready()[0].key == 8);
    CHECK(loop->ready()[0].writable);
    loop->forget(pair.ours.get());
    CHECK(loop->ready().empty());
  }

  TEST_CASE("a socket whose peer is gone is told, whatever we asked for") {
    auto loop = *EventLoop::make();
    Pair pair;
    REQUIRE(loop->watch(pair.ours.get(), 7, {}));
    pair.theirs.reset();
    REQUIRE(loop->ready().size() == 1);
    CHECK(loop->ready()[0].readable);
    CHECK(loop->ready()[0].writable);
  }

  TEST_CASE("stopped from another thread, what was posted before is still done") {
    auto loop = *EventLoop::make();
    bool done = false;
    std::thread other([&] {
      loop->post([&] { done = true; });
      loop->stop();
    });
    while (loop->turn(true)) {
    }
    other.join();
    CHECK(done);
  }
}
