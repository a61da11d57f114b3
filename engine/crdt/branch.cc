#include "engine/crdt/branch.h"

namespace diaryx::crdt {

MapEntries::Entry* MapEntries::find(KeyIx key) noexcept {
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
  if (entries_.size() > kLinear) {
    if ((entries_.size() + 1) * 3 > slots_.size() * 2) {
      rebuild(slots_.empty() ? 32 : slots_.size() * 2);
    } else {
      const std::size_t mask = slots_.size() - 1;
      std::size_t at = slot_of(key, mask);
      while (slots_[at] != kNone) at = (at + 1) & mask;
      slots_[at] = static_cast<std::uint32_t>(entries_.size() - 1);
    }
  }
  return entries_.back();
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
