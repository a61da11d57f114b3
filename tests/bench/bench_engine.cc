// bench_engine --data DIR [--workload NAME] [--json]: times the engine, one workload or all of
// them.

#include <cstdio>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "tests/bench/workloads.h"

namespace {

int usage() {
  std::fputs("usage: bench_engine --data DIR [--workload NAME] [--json]\n", stderr);
  return 2;
}

void print(const std::string& name, const diaryx::bench::Outcome& outcome, bool json) {
  const diaryx::bench::Timing& timing = outcome.timing;
  if (json) {
    fmt::print(
        "{{\"peer\":\"diaryx\",\"version\":\"0.1.0\",\"workload\":\"{}\",\"ms_median\":{:.4f},"
        "\"cpu_median\":{:.4f},"
        "\"reps\":{},\"bytes\":{},\"peak_rss_kb\":{}}}\n",
        name, timing.wall_ms, timing.cpu_ms, timing.repetitions, outcome.bytes,
        diaryx::bench::peak_rss_kb());
  } else {
    fmt::print("{:9} {:10.4f} ms on the processor, {:10.4f} on the wall, {} times, {} octets\n",
               name, timing.cpu_ms, timing.wall_ms, timing.repetitions, outcome.bytes);
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::string folder;
  std::string workload;
  bool json = false;
  for (int i = 1; i < argc; ++i) {
    const std::string_view option = argv[i];
    if (option == "--json") {
      json = true;
    } else if (option == "--data" && i + 1 < argc) {
      folder = argv[++i];
    } else if (option == "--workload" && i + 1 < argc) {
      workload = argv[++i];
    } else {
      return usage();
    }
  }
  if (folder.empty()) return usage();
  diaryx::bench::Data data(folder);
  for (const std::string& name : diaryx::bench::workload_names()) {
    if (!workload.empty() && name != workload) continue;
    if (const auto outcome = diaryx::bench::run_workload(data, name)) print(name, *outcome, json);
  }
  return 0;
}
