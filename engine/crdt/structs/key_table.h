// Names inside a document (root names, map keys, format keys, node names), each kept once and known
// by a number.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/base/keyed_hash.h"
#include "engine/crdt/id.h"

namespace diaryx::crdt {

class KeyTable {
 public:
  // The number of `name`, given on first sight.
  KeyIx intern(std::string_view name);
  // kNone if the name was never seen.
  KeyIx find(std::string_view name) const noexcept;
  // Borrowed: valid until the next intern().
  std::string_view operator[](KeyIx key) const noexcept {
    return std::string_view(text_).substr(spans_[key].offset, spans_[key].size);
  }
  std::size_t size() const noexcept { return spans_.size(); }
  // Forgets the names from `size` on, for an update that turned out to be malformed. Costs as much
  // as there are to forget.
  void truncate(std::size_t size);

 private:
  struct Span {
    std::uint32_t offset;
    std::uint32_t size;
    std::uint32_t hash;
  };
  // With the hash beside the number, names that are not meant need not be looked at.
  struct Slot {
    std::uint32_t hash;
    KeyIx key;
  };
  static std::uint32_t hash_of(std::string_view name) noexcept {
    return static_cast<std::uint32_t>(keyed_hash(name));
  }
  // The slot that holds `name`, or the one that it would go to. There must be slots.
  std::size_t slot_of(std::string_view name, std::uint32_t hash) const noexcept;
  void rebuild(std::size_t slots);
  std::string text_;
  std::vector<Span> spans_;
  std::vector<Slot> slots_;  // Open addressing, a power of two of them, at most 2/3 full.
};

}  // namespace diaryx::crdt
