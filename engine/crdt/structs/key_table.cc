#include "engine/crdt/structs/key_table.h"

namespace diaryx::crdt {

KeyIx KeyTable::find(std::string_view name) const noexcept {
  return slots_.empty() ? kNone : slots_[slot_of(name, hash_of(name))].key;
}

std::size_t KeyTable::slot_of(std::string_view name, std::uint32_t hash) const noexcept {
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t at = hash & mask;; at = (at + 1) & mask) {
    const Slot slot = slots_[at];
    if (slot.key == kNone || (slot.hash == hash && (*this)[slot.key] == name)) return at;
  }
}

KeyIx KeyTable::intern(std::string_view name) {
  if ((spans_.size() + 2) * 3 > slots_.size() * 2) rebuild(slots_.empty() ? 16 : slots_.size() * 2);
  const std::uint32_t hash = hash_of(name);
  Slot& slot = slots_[slot_of(name, hash)];
  if (slot.key != kNone) return slot.key;
  slot = {hash, static_cast<KeyIx>(spans_.size())};
  spans_.push_back(
      {static_cast<std::uint32_t>(text_.size()), static_cast<std::uint32_t>(name.size()), hash});
  text_.append(name);
  return slot.key;
}

void KeyTable::rebuild(std::size_t slots) {
  slots_.assign(slots, {0, kNone});
  // In the order in which they came: truncate() relies on it.
  for (std::size_t key = 0; key < spans_.size(); ++key) {
    const std::uint32_t hash = spans_[key].hash;
    std::size_t at = hash & (slots - 1);
    while (slots_[at].key != kNone) at = (at + 1) & (slots - 1);
    slots_[at] = {hash, static_cast<KeyIx>(key)};
  }
}

void KeyTable::truncate(std::size_t size) {
  if (size == spans_.size()) return;
  // The last one that came stands in nobody's way, so its slot can just be emptied.
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t key = spans_.size(); key > size; --key) {
    std::size_t at = spans_[key - 1].hash & mask;
    while (slots_[at].key != key - 1) at = (at + 1) & mask;
    slots_[at].key = kNone;
  }
  text_.resize(spans_[size].offset);
  spans_.resize(size);
}

}  // namespace diaryx::crdt
