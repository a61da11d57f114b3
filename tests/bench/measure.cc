#include "tests/bench/measure.h"

#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

#include <time.h>

#ifdef __EMSCRIPTEN__
#include <emscripten.h>

// WebAssembly knows no processor time, but node does: of all threads, and in a program of ours
// there is nothing for the others to do.
EM_JS(double, node_processor_ms, (), {
  const used = process.cpuUsage();
  return (used.user + used.system) / 1000;
});
#endif

namespace diaryx::bench {
namespace {

double now_ms(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

double processor_now_ms() {
#ifdef __EMSCRIPTEN__
  return node_processor_ms();
#else
  return now_ms(CLOCK_THREAD_CPUTIME_ID);
#endif
}

double budget_ms = 1000;

double median(std::vector<double>& values) {
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

// From /proc, not getrusage: ru_maxrss keeps what the process was before exec(), which is the size
// of whoever started it.
long status_kb(const std::string& field) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(field + ":")) return std::stol(line.substr(field.size() + 1));
  }
  return 0;
}

}  // namespace

void set_budget_ms(double budget) {
  budget_ms = budget;
}

void Stopwatch::start() noexcept {
  wall_start_ = now_ms(CLOCK_MONOTONIC);
  cpu_start_ = processor_now_ms();
}

void Stopwatch::stop() noexcept {
  cpu_ms_ += processor_now_ms() - cpu_start_;
  wall_ms_ += now_ms(CLOCK_MONOTONIC) - wall_start_;
}

Timing measure_parts(const std::function<void(Stopwatch&)>& body, std::size_t most) {
  constexpr std::size_t kLeast = 5;
  Timing timing;
  timing.rss_before_kb = status_kb("VmRSS");
  std::vector<double> wall;
  std::vector<double> cpu;
  for (double spent = 0; wall.size() < kLeast || (spent < budget_ms && wall.size() < most);) {
    Stopwatch watch;
    body(watch);
    wall.push_back(watch.wall_ms());
    cpu.push_back(watch.cpu_ms());
    spent += watch.wall_ms();
  }
  timing.peak_rss_kb = status_kb("VmHWM");
  timing.wall_ms = median(wall);
  timing.cpu_ms = median(cpu);
  timing.repetitions = wall.size();
  return timing;
}

Timing measure(const std::function<void()>& prepare, const std::function<void()>& body,
               std::size_t most) {
  return measure_parts(
      [&](Stopwatch& watch) {
        prepare();
        watch.start();
        body();
        watch.stop();
      },
      most);
}

}  // namespace diaryx::bench
