// Time comes in through this interface, so that a simulation can replay a day in a second.
#pragma once

#include <cstdint>

namespace diaryx {

class Clock {
 public:
  virtual ~Clock() = default;
  // Milliseconds since 1970-01-01 UTC; may jump when the person sets the clock. For records and
  // logs.
  virtual std::int64_t wall_ms() const = 0;
  // Milliseconds since some fixed moment; never goes back. For time-outs and quiet times.
  virtual std::int64_t steady_ms() const = 0;
};

class SystemClock final : public Clock {
 public:
  std::int64_t wall_ms() const override;
  std::int64_t steady_ms() const override;
};

// Stands still until told to move.
class ManualClock final : public Clock {
 public:
  std::int64_t wall_ms() const override { return wall_ms_; }
  std::int64_t steady_ms() const override { return steady_ms_; }
  void advance(std::int64_t ms) {
    wall_ms_ += ms;
    steady_ms_ += ms;
  }
  // The person sets the clock, forwards or backwards: the steady one does not notice.
  void jump_wall(std::int64_t ms) { wall_ms_ += ms; }

 private:
  std::int64_t wall_ms_ = 1'700'000'000'000;
  std::int64_t steady_ms_ = 0;
};

}  // namespace diaryx
