// Times repetitions of one workload on the processor and on the wall, and says what memory it took.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

namespace diaryx::bench {

struct Timing {
  double wall_ms = 0;  // Medians.
  double cpu_ms = 0;   // Of the thread.
  std::size_t repetitions = 0;
  // KiB; 0 where the system cannot tell. Resident before the first repetition (the program, its
  // libraries, the input that it holds), and the highest of the process up to the last repetition:
  // what checks the result comes later and is not in it.
  long rss_before_kb = 0;
  long peak_rss_kb = 0;
};

// Runs while the workload does; stands still while its input is read.
class Stopwatch {
 public:
  void start() noexcept;
  void stop() noexcept;
  double wall_ms() const noexcept { return wall_ms_; }
  double cpu_ms() const noexcept { return cpu_ms_; }

 private:
  double wall_ms_ = 0;
  double cpu_ms_ = 0;
  double wall_start_ = 0;
  double cpu_start_ = 0;
};

// How long all repetitions of a workload shall take; a second if nobody says.
void set_budget_ms(double budget);

inline constexpr std::size_t kMostRepetitions = 2000;

// `body` until there are at least five repetitions and the budget is spent, or `most` of them;
// `prepare` before each, not timed. No repetition is left out: the first ones are as cold as they
// are.
Timing measure(const std::function<void()>& prepare, const std::function<void()>& body,
               std::size_t most = kMostRepetitions);
// The same for a body that says itself when it is to be timed.
Timing measure_parts(const std::function<void(Stopwatch&)>& body,
                     std::size_t most = kMostRepetitions);

}  // namespace diaryx::bench
