// Times repetitions of one workload on the processor and on the wall.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace diaryx::bench {

struct Timing {
  double wall_ms = 0;  // Medians.
  double cpu_ms = 0;   // Of the thread.
  std::size_t repetitions = 0;
};

// `body` until there are at least five repetitions and a second of them; `prepare` before each, not
// timed.
Timing measure(const std::function<void()>& prepare, const std::function<void()>& body);

// Highest resident size so far, in KiB.
long peak_rss_kb();

}  // namespace diaryx::bench
