// Other programs save files the way real ones do, between any two steps of ours, while peers type,
// rename, delete and restore, the power fails, the disk fills, the root is unmounted and the clock
// is set: all in memory, on a virtual clock, replayed from a seed. Every edit puts in or takes out
// one marker; when it is quiet, disk, documents and peers say the same, each marker that was put in
// and not taken out is there exactly once, and what was deleted is in the trash or its document.
//
// DIARYX_SEED=n replays one seed; DIARYX_SEEDS=n runs so many (default 1,000). DIARYX_TRACE=MARKER
// tells what happens and where that marker is, to stderr.
#include <cstdlib>

#include <doctest/doctest.h>

#include "tests/support/editors_world.h"

using namespace diaryx;

namespace {

constexpr int kSteps = 150;

std::uint64_t number_from(const char* name, std::uint64_t fallback) {
  const char* text = std::getenv(name);
  return text == nullptr ? fallback : std::strtoull(text, nullptr, 10);
}

}  // namespace

TEST_SUITE("simulation/editors") {
  TEST_CASE("however other programs save, nothing is lost, doubled or left behind") {
    const std::uint64_t one = number_from("DIARYX_SEED", 0);
    const std::uint64_t first = one != 0 ? one : 1;
    const std::uint64_t last = first + number_from("DIARYX_SEEDS", one != 0 ? 1 : 1'000) - 1;
    std::uint64_t steps = 0;
    int failed = 0;
    for (std::uint64_t seed = first; seed <= last; ++seed) {
      CAPTURE(seed);
      test::EditorsWorld world(seed);
      for (int i = 0; i < kSteps; ++i) world.step();
      world.come_to_rest();
      const auto wrong = world.wrong();
      for (const std::string& what : wrong) FAIL_CHECK(what);
      steps += world.steps();
      if (!wrong.empty() && ++failed == 10) break;
    }
    MESSAGE(steps, " steps on the disk, each with others before and after it");
  }
}
