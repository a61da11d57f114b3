#include "engine/crdt/wire/wire_deletes.h"

#include <algorithm>

namespace diaryx::crdt {

void sort_and_join(std::vector<WireDelete>& deletes) {
  std::stable_sort(deletes.begin(), deletes.end(), [](const WireDelete& a, const WireDelete& b) {
    return a.client != b.client ? a.client > b.client : a.clock < b.clock;
  });
  std::size_t kept = 0;
  for (std::size_t i = 1; i < deletes.size(); ++i) {
    WireDelete& last = deletes[kept];
    const WireDelete& next = deletes[i];
    if (last.client == next.client && last.clock + last.length >= next.clock) {
      last.length = std::max(last.length, next.clock + next.length - last.clock);
    } else {
      deletes[++kept] = next;
    }
  }
  if (!deletes.empty()) deletes.resize(kept + 1);
}

}  // namespace diaryx::crdt
