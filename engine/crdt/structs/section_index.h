// Which struct of a section holds a clock, without a search.
//
//   clocks    0         1         2            a bit for each clock of the section,
//   bits_     1001000000 1000010000 …          set where a struct begins
//   before_   0          2          …          how many structs begin before each word of 64
//
// The structs of a section are pool items with consecutive indexes, so the number of those that
// begin up to a clock is the place of the one that holds it. Good for as long as they are where
// they were decoded: whoever asks looks whether the item is the one that he wants.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/crdt/structs/item.h"
#include "engine/crdt/structs/staged.h"

namespace diaryx::crdt {

class SectionIndex {
 public:
  // Of what `section` holds now. Contains nothing where that would not pay.
  void build(const ItemPool& items, const Section& section) {
    clocks_ = 0;
    if (section.end - section.next >= kFewest) build_large(items, section);
  }
  bool contains(Clock clock) const noexcept { return clock - base_ < clocks_; }
  // A clock that it contains.
  ItemIx find(Clock clock) const noexcept {
    const Clock at = clock - base_;
    const auto word = static_cast<std::size_t>(at / 64);
    const std::uint64_t up_to = bits_[word] & ~std::uint64_t{0} >> (63 - at % 64);
    return first_ + before_[word] + ones(up_to) - 1;
  }

 private:
  static constexpr std::size_t kFewest = 256;
  // Twelve octets a struct, at most.
  static constexpr Clock kClocksPerStruct = 64;

  void build_large(const ItemPool& items, const Section& section) {
    base_ = items[section.next].clock;
    const Clock clocks = items[section.end - 1].end() - base_;
    if (clocks / kClocksPerStruct > section.end - section.next) return;
    clocks_ = clocks;
    first_ = section.next;
    bits_.assign(static_cast<std::size_t>(clocks / 64 + 1), 0);
    before_.clear();
    for (ItemIx ix = section.next; ix < section.end; ++ix) {
      const Clock at = items[ix].clock - base_;
      bits_[static_cast<std::size_t>(at / 64)] |= 1ULL << (at % 64);
    }
    before_.reserve(bits_.size());
    std::uint32_t count = 0;
    for (const std::uint64_t word : bits_) {
      before_.push_back(count);
      count += ones(word);
    }
  }

  // std::popcount() is a call where the processor is not known to have it.
  static std::uint32_t ones(std::uint64_t word) noexcept {
    word -= word >> 1U & 0x5555555555555555U;
    word = (word & 0x3333333333333333U) + (word >> 2U & 0x3333333333333333U);
    word = (word + (word >> 4U)) & 0x0F0F0F0F0F0F0F0FU;
    return static_cast<std::uint32_t>(word * 0x0101010101010101U >> 56U);
  }

  Clock base_ = 0;
  Clock clocks_ = 0;
  ItemIx first_ = 0;
  std::vector<std::uint64_t> bits_;
  std::vector<std::uint32_t> before_;
};

}  // namespace diaryx::crdt
