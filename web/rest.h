// When to look at the sockets again. Who sends now and then is read at once. Under load it pays to
// leave them alone for a moment: what comes meanwhile costs one read of each socket, one turn of
// the core (so one sync of the disk), and one write to each reader.
//
// A rest begins when sockets are ready and the core has not answered what it was given, or was
// heard of within the last kPause: those who just got its answer are about to send again. It ends
// when all is answered and that pause is over, and since the last look no more sockets have become
// ready; after kLongest at the latest. Nothing here is a fixed wait: of a burst all is taken once
// it has come, and only a stream from ever more sides fills the whole time.
#pragma once

#include <chrono>
#include <cstddef>

namespace diaryx::web {

class Rest {
 public:
  using Time = std::chrono::steady_clock::time_point;
  static constexpr std::chrono::microseconds kPause{500};
  static constexpr std::chrono::microseconds kLook{500};  // Between two looks.
  static constexpr std::chrono::microseconds kLongest{4'000};

  // What the core said has been written.
  void told(Time now) noexcept { told_ = now; }

  // So many sockets are ready; `owed`: the core has not yet answered all that it was given. True:
  // they are to be read now.
  bool over(std::size_t ready, bool owed, Time now) noexcept;
  bool resting() const noexcept { return resting_; }
  // When to ask over() again, at the latest; without end while not resting.
  Time until() const noexcept { return resting_ ? until_ : Time::max(); }

 private:
  Time told_{};
  Time began_{};
  Time look_{};
  Time until_{};
  std::size_t seen_ = 0;
  bool resting_ = false;
};

}  // namespace diaryx::web
