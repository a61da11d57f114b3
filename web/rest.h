// When to look at the sockets again. Who sends now and then is read at once. Under load it pays to
// leave them alone for a moment: what comes meanwhile costs one read of each socket, one turn of
// the core (so one sync of the disk), and one write to each reader.
//
// A rest begins when sockets are ready and the core has not answered what it was given, or its
// answer was only just written: those who got it are about to send again, and the longer the
// writing took, the later the last of them. It ends when all is answered and that pause is over,
// and since the last look no more sockets have become ready; after kLongest at the latest. Nothing
// here is a fixed wait: a burst is taken once it has come, and only a stream from ever more sides
// fills the whole time.
#pragma once

#include <chrono>
#include <cstddef>

namespace diaryx::web {

class Rest {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Duration = std::chrono::steady_clock::duration;
  static constexpr Duration kShortestPause = std::chrono::microseconds(100);
  static constexpr Duration kLongestPause = std::chrono::microseconds(500);
  static constexpr Duration kFirstLook = std::chrono::microseconds(200);  // Each next one: twice.
  static constexpr Duration kLongest = std::chrono::microseconds(4'000);

  // What the core said has been written, from then to then.
  void told(Time began, Time ended) noexcept;

  // So many sockets are ready; `owed`: the core has not yet answered all that it was given. True:
  // they are to be read now.
  bool over(std::size_t ready, bool owed, Time now) noexcept;
  bool resting() const noexcept { return resting_; }
  // When to ask over() again, at the latest; without end while not resting.
  Time until() const noexcept { return resting_ ? until_ : Time::max(); }

 private:
  Time pause_ends_{};
  Time began_{};
  Time look_{};
  Time until_{};
  Duration next_look_{};
  std::size_t seen_ = 0;
  bool resting_ = false;
};

}  // namespace diaryx::web
