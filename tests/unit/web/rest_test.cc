#include "web/rest.h"

#include <doctest/doctest.h>

using namespace diaryx::web;
using namespace std::chrono_literals;

namespace {

const Rest::Time kStart{1h};

}  // namespace

TEST_SUITE("web/rest") {
  TEST_CASE("who sends now and then is read at once") {
    Rest rest;
    CHECK(rest.over(1, false, kStart));
    CHECK_FALSE(rest.resting());
    rest.told(kStart + 1ms, kStart + 2ms);
    CHECK(rest.over(1, false, kStart + 3ms));
    CHECK(rest.until() == Rest::Time::max());
  }

  TEST_CASE("while the core owes an answer, sockets are left alone, but not for ever") {
    Rest rest;
    CHECK_FALSE(rest.over(1, true, kStart));
    CHECK(rest.until() == kStart + Rest::kLongest);
    CHECK_FALSE(rest.over(9, true, kStart + 3'999us));
    CHECK(rest.over(9, true, kStart + Rest::kLongest));
    CHECK_FALSE(rest.resting());
  }

  TEST_CASE(
      "those who just got an answer are given time to send again, the more the more there are") {
    Rest rest;
    rest.told(kStart, kStart + 1'200us);
    CHECK_FALSE(rest.over(1, false, kStart + 1'250us));
    CHECK(rest.until() == kStart + 1'500us);
    CHECK(rest.over(1, false, kStart + 1'500us));
    rest.told(kStart, kStart + 100ms);
    CHECK_FALSE(rest.over(1, false, kStart + 100ms));
    CHECK(rest.until() == kStart + 100ms + Rest::kLongestPause);
    rest.told(kStart, kStart);
    Rest other;
    other.told(kStart, kStart);
    CHECK(other.over(1, false, kStart + Rest::kShortestPause));
  }

  TEST_CASE("while more and more sockets become ready, the rest goes on, to its longest") {
    Rest rest;
    Rest::Time now = kStart;
    CHECK_FALSE(rest.over(1, true, now));
    std::size_t ready = 1;
    int looks = 0;
    for (bool over = false; !over; ++looks) {
      over = rest.over(++ready, false, now);
      if (!over) now = rest.until();
    }
    CHECK(now == kStart + Rest::kLongest);
    CHECK(looks <= 6);
  }

  TEST_CASE("a burst is taken once no more comes") {
    Rest rest;
    CHECK_FALSE(rest.over(1, true, kStart));
    CHECK_FALSE(rest.over(5, false, kStart + 200us));
    CHECK(rest.until() == kStart + 600us);
    CHECK(rest.over(5, false, kStart + 600us));
  }

  TEST_CASE("a rest in which nothing is ready any more is none") {
    Rest rest;
    CHECK_FALSE(rest.over(1, true, kStart));
    CHECK_FALSE(rest.over(0, true, kStart + 1ms));
    CHECK_FALSE(rest.resting());
  }
}
