#include "engine/crdt/branch.h"

#include <algorithm>
#include <bit>

namespace diaryx::crdt {

MapEntries::Entry* MapEntries::find_other(KeyIx key) noexcept {
  if (slots_.empty()) {
    for (Entry& entry : entries_) {
      if (entry.key == key) return &entry;
    }
    return nullptr;
  }
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t at = slot_of(key, mask);; at = (at + 1) & mask) {
    const std::uint32_t ix = slots_[at];
    if (ix == kNone) return nullptr;
    if (entries_[ix].key == key) return &entries_[ix];
  }
}

MapEntries::Entry& MapEntries::add(KeyIx key) {
  if (Entry* known = find(key)) return *known;
  entries_.push_back({key, kNone, kNone});
  if (entries_.size() > kLinear && !(slots_.empty() && consecutive())) add_to_table();
  return entries_.back();
}

bool MapEntries::consecutive() const noexcept {
  // All but the last one are already known to be, beyond the size from which that counts.
  const std::size_t first = entries_.size() == kLinear + 1 ? 1 : entries_.size() - 1;
  for (std::size_t at = first; at < entries_.size(); ++at) {
    if (entries_[at].key != entries_[at - 1].key + 1) return false;
  }
  return true;
}

void MapEntries::add_to_table() {
  if ((entries_.size() + 1) * 3 > slots_.size() * 2)
    return rebuild(std::max<std::size_t>(32, std::bit_ceil(entries_.size() * 2)));
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = slot_of(entries_.back().key, mask);
  while (slots_[at] != kNone) at = (at + 1) & mask;
  slots_[at] = static_cast<std::uint32_t>(entries_.size() - 1);
}

void MapEntries::rebuild(std::size_t slots) {
  slots_.assign(slots, kNone);
  const std::size_t mask = slots - 1;
  for (std::size_t ix = 0; ix < entries_.size(); ++ix) {
    std::size_t at = slot_of(entries_[ix].key, mask);
    while (slots_[at] != kNone) at = (at + 1) & mask;
    slots_[at] = static_cast<std::uint32_t>(ix);
  }
}

}  // namespace diaryx::crdt
