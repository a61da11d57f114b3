// What is counted while a load runs: latencies, and what a process takes.
#pragma once

#include <array>
#include <cstdint>

#include <nlohmann/json.hpp>

namespace diaryx::bench {

// Of the steady clock.
std::uint64_t now_ns();

// Latencies in microseconds: 64 buckets for each power of two (wrong by less than 1.6 %), whatever
// their number.
class Histogram {
 public:
  void add(std::uint64_t us);
  double percentile_ms(double part) const;
  nlohmann::ordered_json json() const;

 private:
  static constexpr std::size_t kSub = 64;
  std::array<std::uint64_t, 40 * kSub> counts_{};
  std::uint64_t count_ = 0;
  std::uint64_t max_ = 0;
};

// A process with all its threads, from /proc. Not ok: there is none.
struct ProcessSample {
  std::uint64_t rss_kb = 0;
  double cpu_s = 0;
  bool ok = false;
};
ProcessSample sample_process(int pid);
double own_cpu_s();

}  // namespace diaryx::bench
