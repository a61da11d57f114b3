// fuzz_replay DIR…: feeds every file DIR/TARGET/NAME to its target. A fault aborts, after the file
// was named on standard output.
//
// An input may take 2 s of processor time, several times that in a build without optimisation or
// with sanitizers.
#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include <fmt/format.h>
#include <time.h>
#include <unistd.h>

#include "tests/fuzz/target.h"

namespace diaryx::fuzz {
namespace {

namespace fs = std::filesystem;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__OPTIMIZE__)
constexpr double kMostMs = 20'000;
#else
constexpr double kMostMs = 2'000;
#endif

double cpu_ms() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

Buffer read_file(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return Buffer(std::istreambuf_iterator<char>(in), {});
}

std::vector<fs::path> files_in(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code code;
  for (const auto& entry : fs::directory_iterator(folder, code)) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

// Told if a target aborts.
std::string now_feeding;
void tell(int signal) {
  (void)!write(STDERR_FILENO, now_feeding.data(), now_feeding.size());
  (void)!write(STDERR_FILENO, "\n", 1);
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

int replay(const std::vector<fs::path>& folders) {
  std::size_t fed = 0;
  double slowest = 0;
  for (const Target& target : targets()) {
    for (const fs::path& folder : folders) {
      for (const fs::path& file : files_in(folder / target.name)) {
        const Buffer input = read_file(file);
        now_feeding = file.string();
        const double start = cpu_ms();
        target.run(input);
        const double spent = cpu_ms() - start;
        slowest = std::max(slowest, spent);
        ++fed;
        if (spent > kMostMs) {
          fmt::print("{} took {:.0f} ms\n", file.string(), spent);
          return 1;
        }
      }
    }
  }
  fmt::print(
      "{} inputs, the slowest took {:.0f} ms, the greediest {:.0f} octets of memory for each of "
      "its own\n",
      fed, slowest, worst_per_octet());
  return fed > 0 ? 0 : 1;
}

}  // namespace
}  // namespace diaryx::fuzz

int main(int argc, char** argv) {
  if (argc < 2) {
    fmt::print(stderr, "usage: fuzz_replay DIR...\n");
    return 2;
  }
  std::signal(SIGABRT, diaryx::fuzz::tell);
  std::signal(SIGSEGV, diaryx::fuzz::tell);
  return diaryx::fuzz::replay(std::vector<std::filesystem::path>(argv + 1, argv + argc));
}
