#include "tests/bench/measure.h"

#include <algorithm>
#include <vector>

#include <sys/resource.h>
#include <time.h>

namespace diaryx::bench {
namespace {

double now_ms(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

}  // namespace

Timing measure(const std::function<void()>& prepare, const std::function<void()>& body) {
  constexpr std::size_t kLeast = 5;
  constexpr std::size_t kMost = 1000;
  constexpr double kBudgetMs = 1000;
  std::vector<double> wall;
  std::vector<double> cpu;
  for (double spent = 0; wall.size() < kLeast || (spent < kBudgetMs && wall.size() < kMost);) {
    prepare();
    const double wall_start = now_ms(CLOCK_MONOTONIC);
    const double cpu_start = now_ms(CLOCK_THREAD_CPUTIME_ID);
    body();
    cpu.push_back(now_ms(CLOCK_THREAD_CPUTIME_ID) - cpu_start);
    wall.push_back(now_ms(CLOCK_MONOTONIC) - wall_start);
    spent += wall.back();
  }
  return {median(wall), median(cpu), wall.size()};
}

long peak_rss_kb() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

}  // namespace diaryx::bench
