#include "engine/crdt/structs/clock_list.h"

#include <algorithm>

namespace diaryx::crdt {
namespace {

// How many of the first `kCount` clocks are not above `clock`. A fixed count is what lets the
// compiler use vectors.
template <std::uint32_t kCount>
std::uint32_t count_up_to(const std::uint32_t* clocks, std::uint32_t clock) noexcept {
  std::uint32_t count = 0;
  for (std::uint32_t i = 0; i < kCount; ++i)
    count += static_cast<std::uint32_t>(clocks[i] <= clock);
  return count;
}

}  // namespace

void ClockList::Block::reserve(std::uint32_t wanted) {
  if (wanted <= capacity) return;
  std::uint32_t larger = kSmallest;
  while (larger < wanted) larger *= 4;
  auto grown = std::make_unique<std::uint32_t[]>(std::size_t{larger} * 2);
  std::copy_n(clocks(), count, grown.get());
  std::fill_n(grown.get() + count, larger - count, kUnused);
  std::copy_n(items(), count, grown.get() + larger);
  words = std::move(grown);
  capacity = larger;
}

void ClockList::Block::insert(std::uint32_t at, std::uint32_t clock, ItemIx item) noexcept {
  std::copy_backward(clocks() + at, clocks() + count, clocks() + count + 1);
  std::copy_backward(items() + at, items() + count, items() + count + 1);
  clocks()[at] = clock;
  items()[at] = item;
  ++count;
}

std::uint32_t ClockList::find_block(Clock clock) const noexcept {
  const Clock* firsts = firsts_.data();
  std::size_t low = 0;
  for (std::size_t count = firsts_.size(); count > 1;) {
    const std::size_t half = count / 2;
    low += firsts[low + half] <= clock ? half : 0;
    count -= half;
  }
  return static_cast<std::uint32_t>(low);
}

ClockList::Place ClockList::find(Clock clock) const noexcept {
  std::uint32_t at = hint_.block;
  const bool near = at < blocks_.size() && firsts_[at] <= clock &&
                    (at + 1 == blocks_.size() || clock < firsts_[at + 1]);
  if (!near) at = find_block(clock);
  const Block& block = blocks_[at];
  const auto relative =
      static_cast<std::uint32_t>(std::min<Clock>(clock - block.base, kUnused - 1));
  // Whoever walks along asks for one of the next ones.
  if (near && hint_.at < block.count && block.clocks()[hint_.at] <= relative) {
    const std::uint32_t end = std::min(hint_.at + kNear, block.count);
    for (std::uint32_t i = hint_.at; i < end; ++i) {
      if (i + 1 < block.count && block.clocks()[i + 1] <= relative) continue;
      hint_.at = i;
      return hint_;
    }
  }
  std::uint32_t count = 0;
  if (block.capacity == kBlock) {
    count = count_up_to<kBlock>(block.clocks(), relative);
  } else if (block.capacity == kSmallest) {
    count = count_up_to<kSmallest>(block.clocks(), relative);
  } else {
    count = count_up_to<kSmallest * 4>(block.clocks(), relative);
  }
  hint_ = {at, count - 1};
  return hint_;
}

std::size_t ClockList::count_from(Place place) const noexcept {
  std::size_t count = blocks_[place.block].count - place.at;
  for (std::size_t i = std::size_t{place.block} + 1; i < blocks_.size(); ++i)
    count += blocks_[i].count;
  return count;
}

void ClockList::add_block(std::size_t at, Entry entry) {
  Block block;
  block.base = entry.clock;
  block.reserve(blocks_.empty() ? 1 : kBlock);  // Who has filled one block will fill another.
  block.insert(0, 0, entry.item);
  firsts_.insert(firsts_.begin() + static_cast<std::ptrdiff_t>(at), entry.clock);
  blocks_.insert(blocks_.begin() + static_cast<std::ptrdiff_t>(at), std::move(block));
}

void ClockList::split_block(std::uint32_t ix) {
  constexpr std::uint32_t kHalf = kBlock / 2;
  Block& lower = blocks_[ix];
  const std::uint32_t shift = lower.clocks()[kHalf];
  Block upper;
  upper.base = lower.base + shift;
  upper.reserve(kBlock);
  upper.count = kBlock - kHalf;
  for (std::uint32_t i = 0; i < upper.count; ++i) {
    upper.clocks()[i] = lower.clocks()[kHalf + i] - shift;
    upper.items()[i] = lower.items()[kHalf + i];
    lower.clocks()[kHalf + i] = kUnused;
  }
  lower.count = kHalf;
  firsts_.insert(firsts_.begin() + ix + 1, upper.base);
  blocks_.insert(blocks_.begin() + ix + 1, std::move(upper));
}

void ClockList::append_growing(Entry entry) {
  ++count_;
  back_ = entry.item;
  if (blocks_.empty() || blocks_.back().count == kBlock || !fits(blocks_.back(), entry.clock)) {
    return add_block(blocks_.size(), entry);
  }
  Block& block = blocks_.back();
  block.reserve(block.count + 1);
  block.push_back(static_cast<std::uint32_t>(entry.clock - block.base), entry.item);
}

void ClockList::insert_after(Place place, Entry entry) {
  const bool at_end = place == last();
  if (at_end) return append(entry);
  ++count_;
  if (!fits(blocks_[place.block], entry.clock))
    return add_block(std::size_t{place.block} + 1, entry);
  if (blocks_[place.block].count == kBlock) {
    split_block(place.block);
    if (place.at >= kBlock / 2) place = {place.block + 1, place.at - kBlock / 2};
  }
  Block& block = blocks_[place.block];
  block.reserve(block.count + 1);
  block.insert(place.at + 1, static_cast<std::uint32_t>(entry.clock - block.base), entry.item);
}

bool ClockList::move_start(Clock from, Clock to) noexcept {
  const Place place = find(from);
  Block& block = blocks_[place.block];
  if (to < block.base || !fits(block, to)) return false;
  block.clocks()[place.at] = static_cast<std::uint32_t>(to - block.base);
  if (place.at == 0) firsts_[place.block] = to;
  return true;
}

void ClockList::erase(Place place) {
  --count_;
  Block& block = blocks_[place.block];
  std::copy(block.clocks() + place.at + 1, block.clocks() + block.count, block.clocks() + place.at);
  std::copy(block.items() + place.at + 1, block.items() + block.count, block.items() + place.at);
  --block.count;
  block.clocks()[block.count] = kUnused;
  if (block.count == 0) {
    blocks_.erase(blocks_.begin() + place.block);
    firsts_.erase(firsts_.begin() + place.block);
  } else if (place.at == 0) {
    firsts_[place.block] = block.base + block.clocks()[0];
  }
  back_ = blocks_.empty() ? kNone : item(last());
}

}  // namespace diaryx::crdt
