#include "engine/crdt/structs/key_table.h"

#include "engine/base/keyed_hash.h"

namespace diaryx::crdt {

KeyIx KeyTable::find(std::string_view name) const noexcept {
  return slots_.empty() ? kNone : find(name, keyed_hash(name));
}

KeyIx KeyTable::find(std::string_view name, std::uint64_t hash) const noexcept {
  if (slots_.empty()) return kNone;
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t at = hash & mask;; at = (at + 1) & mask) {
    const KeyIx key = slots_[at];
    if (key == kNone) return kNone;
    if (spans_[key].hash == hash && (*this)[key] == name) return key;
  }
}

std::size_t KeyTable::free_slot(std::uint64_t hash) const noexcept {
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = hash & mask;
  while (slots_[at] != kNone) at = (at + 1) & mask;
  return at;
}

KeyIx KeyTable::intern(std::string_view name) {
  const std::uint64_t hash = keyed_hash(name);
  if (const KeyIx known = find(name, hash); known != kNone) return known;
  const auto key = static_cast<KeyIx>(spans_.size());
  spans_.push_back(
      {static_cast<std::uint32_t>(text_.size()), static_cast<std::uint32_t>(name.size()), hash});
  text_.append(name);
  if ((spans_.size() + 1) * 3 > slots_.size() * 2) {
    rebuild(slots_.empty() ? 16 : slots_.size() * 2);
  } else {
    slots_[free_slot(hash)] = key;
  }
  return key;
}

void KeyTable::rebuild(std::size_t slots) {
  slots_.assign(slots, kNone);
  for (std::size_t key = 0; key < spans_.size(); ++key)
    slots_[free_slot(spans_[key].hash)] = static_cast<KeyIx>(key);
}

void KeyTable::truncate(std::size_t size) {
  if (size == spans_.size()) return;
  // The last one that came stands in nobody's way, so its slot can just be emptied.
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t key = spans_.size(); key > size; --key) {
    std::size_t at = spans_[key - 1].hash & mask;
    while (slots_[at] != key - 1) at = (at + 1) & mask;
    slots_[at] = kNone;
  }
  text_.resize(spans_[size].offset);
  spans_.resize(size);
}

}  // namespace diaryx::crdt
