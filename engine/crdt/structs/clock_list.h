// The structs of one client in clock order, without gaps from clock 0 on.
//
//   firsts_   [ 0 | 812 | 1630 | … ]          first clock of each block
//   blocks_   [ base, count, words ] each     clocks relative to the base, then the items:
//                       [ 0 3 4 9 … ff ff | ix ix ix ix … ]
//
// A block holds at most kBlock structs, so that cutting a struct moves a handful of words and never
// the client's tail. Relative clocks are 32 bits wide and unused ones are the greatest number, so
// that the place of a clock in a full block is a count of the smaller ones: sixteen vector
// comparisons and no branch. Finding is O(log n), and O(1) near the last hit; appending is O(1).
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "engine/base/check.h"
#include "engine/crdt/structs/item.h"

namespace diaryx::crdt {

class ClockList {
 public:
  static constexpr std::uint32_t kBlock = 64;

  struct Entry {
    Clock clock;
    ItemIx item;
  };
  // Of a struct. Any insertion or removal may make it stale.
  struct Place {
    std::uint32_t block;
    std::uint32_t at;
    bool operator==(const Place&) const = default;
  };

  bool empty() const noexcept { return count_ == 0; }
  std::size_t size() const noexcept { return count_; }  // Structs.

  // The struct that holds `clock`; the list must reach beyond it.
  Place find(Clock clock) const noexcept;
  Entry operator[](Place place) const noexcept {
    const Block& block = blocks_[place.block];
    return {block.base + block.clocks()[place.at], block.items()[place.at]};
  }
  ItemIx item(Place place) const noexcept { return blocks_[place.block].items()[place.at]; }
  Place first() const noexcept { return {0, 0}; }
  Place last() const noexcept {
    const auto block = static_cast<std::uint32_t>(blocks_.size() - 1);
    return {block, blocks_[block].count - 1};
  }
  ItemIx back() const noexcept { return back_; }
  // False at the end; `place` is then unchanged.
  bool next(Place& place) const noexcept {
    if (place.at + 1 < blocks_[place.block].count) {
      ++place.at;
      return true;
    }
    if (place.block + 1 >= blocks_.size()) return false;
    place = {place.block + 1, 0};
    return true;
  }
  bool previous(Place& place) const noexcept {
    if (place.at > 0) {
      --place.at;
      return true;
    }
    if (place.block == 0) return false;
    --place.block;
    place.at = blocks_[place.block].count - 1;
    return true;
  }
  // How many structs there are from `place` to the end.
  std::size_t count_from(Place place) const noexcept;

  void append(Entry entry) {
    if (!blocks_.empty()) {
      Block& block = blocks_.back();
      if (block.count < block.capacity && fits(block, entry.clock)) {
        ++count_;
        back_ = entry.item;
        block.push_back(static_cast<std::uint32_t>(entry.clock - block.base), entry.item);
        return;
      }
    }
    append_growing(entry);
  }
  // Behind `place`, with a clock between it and what follows.
  void insert_after(Place place, Entry entry);
  void erase(Place place);
  // The struct that begins at `from` now begins at `to`, within what it and the one before it hold.
  // False if a block cannot say so; then nothing has changed.
  bool move_start(Clock from, Clock to) noexcept;

  std::size_t block_count() const noexcept { return blocks_.size(); }
  std::span<const ItemIx> items_of(std::size_t block) const noexcept {
    return {blocks_[block].items(), blocks_[block].count};
  }
  Clock first_of_block(std::size_t ix) const noexcept { return firsts_[ix]; }

 private:
  static constexpr std::uint32_t kUnused = 0xFFFFFFFFU;
  static constexpr std::uint32_t kNear = 3;
  static constexpr std::uint32_t kSmallest =
      4;  // Most clients of a long-lived document wrote little.

  struct Block {
    Clock base = 0;
    std::uint32_t count = 0;
    std::uint32_t capacity = 0;
    std::unique_ptr<std::uint32_t[]> words;

    std::uint32_t* clocks() noexcept { return words.get(); }
    const std::uint32_t* clocks() const noexcept { return words.get(); }
    ItemIx* items() noexcept { return words.get() + capacity; }
    const ItemIx* items() const noexcept { return words.get() + capacity; }
    void reserve(std::uint32_t wanted);
    // There must be room.
    void push_back(std::uint32_t clock, ItemIx item) noexcept {
      clocks()[count] = clock;
      items()[count] = item;
      ++count;
    }
    void insert(std::uint32_t at, std::uint32_t clock, ItemIx item) noexcept;
  };

  std::uint32_t find_block(Clock clock) const noexcept;
  static bool fits(const Block& block, Clock clock) noexcept {
    return clock - block.base < kUnused;
  }
  void append_growing(Entry entry);
  void add_block(std::size_t at, Entry entry);
  void split_block(std::uint32_t ix);

  std::vector<Clock> firsts_;
  std::vector<Block> blocks_;
  std::size_t count_ = 0;
  ItemIx back_ = kNone;
  mutable Place hint_{0, 0};
};

}  // namespace diaryx::crdt
