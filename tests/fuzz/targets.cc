#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>

#include "tests/fuzz/target.h"

namespace diaryx::fuzz {
namespace {

constexpr std::array kTargets = {
    Target{"any", fuzz_any},
    Target{"awareness", fuzz_awareness},
    Target{"columns", fuzz_columns},
    Target{"control", fuzz_control},
    Target{"edits", fuzz_edits},
    Target{"frame", fuzz_frame},
    Target{"framing", fuzz_framing},
    Target{"header", fuzz_header},
    Target{"hocuspocus", fuzz_hocuspocus},
    Target{"http", fuzz_http},
    Target{"json", fuzz_json},
    Target{"markdown", fuzz_markdown},
    Target{"names", fuzz_names},
    Target{"relative_position", fuzz_relative_position},
    Target{"rest", fuzz_rest},
    Target{"session", fuzz_session},
    Target{"snapshot", fuzz_snapshot},
    Target{"state_vector", fuzz_state_vector},
    Target{"stateless_v1", fuzz_stateless_v1},
    Target{"stateless_v2", fuzz_stateless_v2},
    Target{"sync_message", fuzz_sync_message},
    Target{"update_v1", fuzz_update_v1},
    Target{"update_v2", fuzz_update_v2},
    Target{"websocket", fuzz_websocket},
};

double worst = 0;

}  // namespace

std::span<const Target> targets() {
  return kTargets;
}

const Target* find_target(std::string_view name) {
  const auto found = std::find_if(kTargets.begin(), kTargets.end(),
                                  [name](const Target& target) { return target.name == name; });
  return found == kTargets.end() ? nullptr : &*found;
}

Bytes Choices::part() noexcept {
  const std::size_t low = octet();
  return take(std::min<std::size_t>(low + std::size_t{octet()} * 256, input_.size() - at_));
}

void check_memory(const MemoryBound& bound, std::size_t octets, std::size_t taken) {
  if (taken > bound.slack && octets > 0)
    worst = std::max(worst, static_cast<double>(taken - bound.slack) / static_cast<double>(octets));
  if (taken <= bound.slack + bound.per_octet * octets) return;
  std::fprintf(stderr, "%zu octets of memory for an input of %zu\n", taken, octets);
  std::abort();
}

double worst_per_octet() {
  return worst;
}

}  // namespace diaryx::fuzz
