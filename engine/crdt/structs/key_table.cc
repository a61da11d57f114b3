#include "engine/crdt/structs/key_table.h"

#include <cstring>

namespace diaryx::crdt {

std::uint64_t KeyTable::hash_of(std::string_view name) noexcept {
  // Eight octets a step, multiply and fold: short keys are the rule, and nobody outside sees the
  // order of the slots.
  constexpr std::uint64_t kMix = 0x9E3779B97F4A7C15ULL;
  std::uint64_t hash = name.size() * kMix;
  const auto add = [&hash](std::uint64_t word) {
    hash = (hash ^ word) * kMix;
    hash ^= hash >> 29U;
  };
  std::size_t i = 0;
  // Long names in two lanes, which do not wait for each other.
  std::uint64_t other = kMix;
  for (; i + 16 <= name.size(); i += 16) {
    std::uint64_t words[2];
    std::memcpy(words, name.data() + i, sizeof words);
    add(words[0]);
    other = (other ^ words[1]) * kMix;
    other ^= other >> 31U;
  }
  if (i > 0) add(other);
  for (; i + 8 <= name.size(); i += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, name.data() + i, 8);
    add(word);
  }
  std::uint64_t word = 0;
  if (i < name.size()) std::memcpy(&word, name.data() + i, name.size() - i);
  add(word);
  return hash ^ (hash >> 32U);
}

KeyIx KeyTable::find(std::string_view name) const noexcept {
  if (slots_.empty()) return kNone;
  const std::uint64_t hash = hash_of(name);
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t at = hash & mask;; at = (at + 1) & mask) {
    const KeyIx key = slots_[at];
    if (key == kNone) return kNone;
    if (spans_[key].hash == hash && (*this)[key] == name) return key;
  }
}

KeyIx KeyTable::intern(std::string_view name) {
  if (const KeyIx known = find(name); known != kNone) return known;
  const auto key = static_cast<KeyIx>(spans_.size());
  spans_.push_back({static_cast<std::uint32_t>(text_.size()),
                    static_cast<std::uint32_t>(name.size()), hash_of(name)});
  text_.append(name);
  if ((spans_.size() + 1) * 3 > slots_.size() * 2) {
    rebuild(slots_.empty() ? 16 : slots_.size() * 2);
  } else {
    const std::size_t mask = slots_.size() - 1;
    std::size_t at = spans_[key].hash & mask;
    while (slots_[at] != kNone) at = (at + 1) & mask;
    slots_[at] = key;
  }
  return key;
}

void KeyTable::rebuild(std::size_t slots) {
  slots_.assign(slots, kNone);
  const std::size_t mask = slots - 1;
  for (std::size_t key = 0; key < spans_.size(); ++key) {
    std::size_t at = spans_[key].hash & mask;
    while (slots_[at] != kNone) at = (at + 1) & mask;
    slots_[at] = static_cast<KeyIx>(key);
  }
}

void KeyTable::truncate(std::size_t size) {
  if (size == spans_.size()) return;
  text_.resize(spans_[size].offset);
  spans_.resize(size);
  if (!slots_.empty()) rebuild(slots_.size());
}

}  // namespace diaryx::crdt
