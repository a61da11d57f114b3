// bench_engine --data DIR [--workload NAME] [--json] [--memory] [--floor] [--budget-ms N]: times
// the engine, one workload or all of them (workloads.h), for a second each or for the N
// milliseconds. Exit code 1 for a wrong result, 2 for a wrong call or missing data.
//
// --json prints one line a workload, with the names of the peers' driver (peers/driver.mjs):
// milliseconds on the wall and on the processor (medians), repetitions, octets of what was made or
// taken, and the highest resident size of the process in KiB while it was measured. --memory adds
// rss_before_kb: what was resident when the first repetition began, so that the difference is the
// engine's. Memory is that of the workload only if the process runs no other one. --floor times
// what the same octets cost without an engine (floor.h); the peer is then called floor.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "tests/bench/floor.h"
#include "tests/bench/workloads.h"

namespace {

struct Options {
  std::string folder;
  std::string workload;
  bool json = false;
  bool memory = false;
  bool floor = false;
};

int usage() {
  std::fputs(
      "usage: bench_engine --data DIR [--workload NAME] [--json] [--memory] [--floor] "
      "[--budget-ms N]\n",
      stderr);
  return 2;
}

void print(const std::string& name, const diaryx::bench::Outcome& outcome, const Options& options) {
  const diaryx::bench::Timing& timing = outcome.timing;
  if (options.json) {
    const std::string before =
        options.memory ? fmt::format(",\"rss_before_kb\":{}", timing.rss_before_kb) : "";
    fmt::print(
        "{{\"peer\":\"{}\",\"version\":\"{}\",\"workload\":\"{}\",\"ms_median\":{:.4f},"
        "\"cpu_median\":{:.4f},\"reps\":{},\"bytes\":{},\"peak_rss_kb\":{}{}}}\n",
        options.floor ? "floor" : DIARYX_BENCH_PEER, DIARYX_VERSION, name, timing.wall_ms,
        timing.cpu_ms, timing.repetitions, outcome.bytes, timing.peak_rss_kb, before);
  } else {
    fmt::print("{:9} {:10.4f} ms on the processor, {:10.4f} on the wall, {} times, {} octets", name,
               timing.cpu_ms, timing.wall_ms, timing.repetitions, outcome.bytes);
    if (options.memory) {
      fmt::print(", {} KiB resident before, {} KiB at most", timing.rss_before_kb,
                 timing.peak_rss_kb);
    }
    fmt::print("\n");
  }
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view option = argv[i];
    if (option == "--json") {
      options.json = true;
    } else if (option == "--memory") {
      options.memory = true;
    } else if (option == "--floor") {
      options.floor = true;
    } else if (option == "--data" && i + 1 < argc) {
      options.folder = argv[++i];
    } else if (option == "--budget-ms" && i + 1 < argc) {
      diaryx::bench::set_budget_ms(std::strtod(argv[++i], nullptr));
    } else if (option == "--workload" && i + 1 < argc) {
      options.workload = argv[++i];
    } else {
      return usage();
    }
  }
  if (options.folder.empty()) return usage();
  const auto& names = diaryx::bench::workload_names();
  if (!options.workload.empty() &&
      std::find(names.begin(), names.end(), options.workload) == names.end()) {
    diaryx::bench::stop("no workload " + options.workload);
  }
  const diaryx::bench::Data data(options.folder);
  for (const std::string& name : names) {
    if (!options.workload.empty() && name != options.workload) continue;
    const auto outcome = options.floor ? diaryx::bench::run_floor(data, name)
                                       : diaryx::bench::run_workload(data, name);
    if (outcome) print(name, *outcome, options);
  }
  return 0;
}
