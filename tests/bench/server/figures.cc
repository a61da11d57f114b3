#include "tests/bench/server/figures.h"

#include <algorithm>
#include <bit>
#include <chrono>
#include <cmath>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <sys/resource.h>
#include <unistd.h>

namespace diaryx::bench {

std::uint64_t now_ns() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(now).count());
}

void Histogram::add(std::uint64_t us) {
  max_ = std::max(max_, us);
  ++count_;
  std::size_t bucket = us;
  if (us >= kSub) {
    const auto shift = static_cast<unsigned>(std::bit_width(us)) - 7;
    bucket = (shift + 1) * kSub + ((us >> shift) - kSub);
  }
  ++counts_[std::min(bucket, counts_.size() - 1)];
}

double Histogram::percentile_ms(double part) const {
  if (count_ == 0) return 0;
  const auto wanted =
      std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::ceil(part * double(count_))));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    seen += counts_[i];
    if (seen < wanted) continue;
    const std::size_t shift = i / kSub;
    const double us = shift == 0 ? double(i) : double((kSub + i % kSub + 1) << (shift - 1));
    return std::min(us, double(max_)) / 1000;
  }
  return double(max_) / 1000;
}

nlohmann::ordered_json Histogram::json() const {
  return {{"n", count_},
          {"p50_ms", percentile_ms(.5)},
          {"p90_ms", percentile_ms(.9)},
          {"p99_ms", percentile_ms(.99)},
          {"max_ms", double(max_) / 1000}};
}

ProcessSample sample_process(int pid) {
  ProcessSample sample;
  if (pid == 0) return sample;
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  if (!std::getline(file, line)) return sample;
  // The command's name, in brackets, may hold blanks.
  std::istringstream rest(line.substr(line.rfind(')') + 2));
  std::vector<std::string> fields;
  for (std::string word; rest >> word;) fields.push_back(word);
  if (fields.size() < 22) return sample;
  sample.cpu_s = (std::stod(fields[11]) + std::stod(fields[12])) / double(::sysconf(_SC_CLK_TCK));
  sample.rss_kb =
      std::stoull(fields[21]) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)) / 1024;
  sample.ok = true;
  return sample;
}

double own_cpu_s() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& t) { return double(t.tv_sec) + double(t.tv_usec) / 1e6; };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

}  // namespace diaryx::bench
