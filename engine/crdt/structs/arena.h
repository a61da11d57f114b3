// The octets of a document's content: appended to, never moved, addressed by 32-bit offsets.
//
// Not a std::vector, because that clears what it grows by and calls a function to append the one
// octet of a key stroke.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <memory>
#include <string_view>
#include <utility>

#include "engine/base/bytes.h"
#include "engine/base/check.h"
#include "engine/crdt/structs/copy_octets.h"

namespace diaryx::crdt {

class Arena {
 public:
  std::size_t size() const noexcept { return size_; }
  std::size_t capacity() const noexcept { return capacity_; }
  const std::uint8_t* data() const noexcept { return octets_.get(); }
  Bytes octets() const noexcept { return Bytes(octets_.get(), size_); }
  Bytes octets(std::size_t from, std::size_t count) const noexcept {
    return Bytes(octets_.get() + from, count);
  }

  // Room for `count` more octets.
  void reserve(std::size_t count) {
    if (capacity_ - size_ < count) grow(size_ + count);
  }
  // For what appends many short texts: where the next octet goes, and, once they are there, where
  // they end. There must be room.
  std::uint8_t* end() noexcept { return octets_.get() + size_; }
  void advance_to(const std::uint8_t* end) noexcept {
    size_ = static_cast<std::size_t>(end - octets_.get());
  }
  // Returns where it begins. `octets` may lie in this arena.
  std::uint32_t append(Bytes octets) {
    const std::size_t start = size_;
    if (capacity_ - start < octets.size()) {
      append_growing(octets);
    } else if (!octets.empty()) {
      copy_octets(octets_.get() + start, octets.data(), octets.size());
      size_ = start + octets.size();
    }
    return static_cast<std::uint32_t>(start);
  }
  std::uint32_t append(std::string_view text) { return append(as_bytes(text)); }
  void push_back(std::uint8_t octet) {
    reserve(1);
    octets_[size_++] = octet;
  }
  void fill(std::size_t count, std::uint8_t octet) {
    reserve(count);
    std::memset(octets_.get() + size_, octet, count);
    size_ += count;
  }
  // Writes over octets that are there. `octets` may lie in this arena.
  void overwrite(std::size_t at, Bytes octets) noexcept {
    if (!octets.empty()) std::memmove(octets_.get() + at, octets.data(), octets.size());
  }
  // A block of `size` octets that begins with the two one after the other; the rest are zeros.
  // Both may lie in this arena. Returns where it begins.
  std::uint32_t append_block(Bytes first, Bytes second, std::size_t size) {
    const std::size_t start = size_;
    const std::ptrdiff_t places[] = {place_of(first), place_of(second)};
    fill(size, 0);
    std::size_t at = start;
    for (const auto& [octets, place] :
         {std::pair(first, places[0]), std::pair(second, places[1])}) {
      overwrite(at, place < 0 ? octets : Bytes(octets_.get() + place, octets.size()));
      at += octets.size();
    }
    return static_cast<std::uint32_t>(start);
  }
  // Forgets the octets from `size` on.
  void truncate(std::size_t size) noexcept { size_ = size; }
  void clear() noexcept { size_ = 0; }

 private:
  // Where in here they lie; -1 if they do not.
  std::ptrdiff_t place_of(Bytes octets) const noexcept {
    const auto from = reinterpret_cast<std::uintptr_t>(octets.data());
    const auto begin = reinterpret_cast<std::uintptr_t>(octets_.get());
    return from >= begin && from < begin + size_ ? static_cast<std::ptrdiff_t>(from - begin) : -1;
  }
  struct Free {
    void operator()(std::uint8_t* octets) const noexcept { std::free(octets); }
  };

  // realloc() and no copy of our own: a large block grows by moving its pages, not its octets.
  void grow(std::size_t wanted) {
    DX_CHECK(wanted <= std::numeric_limits<std::uint32_t>::max());  // Items say where by 32 bits.
    const std::size_t larger = std::max(wanted, capacity_ * 2 + 16);
    void* const grown = std::realloc(octets_.get(), larger);
    DX_CHECK(grown != nullptr);
    (void)octets_.release();
    octets_.reset(static_cast<std::uint8_t*>(grown));
    capacity_ = larger;
  }
  void append_growing(Bytes octets) {
    // What lies in here moves.
    const std::ptrdiff_t place = place_of(octets);
    grow(size_ + octets.size());
    const std::uint8_t* const source = place < 0 ? octets.data() : octets_.get() + place;
    std::memcpy(octets_.get() + size_, source, octets.size());
    size_ += octets.size();
  }

  std::unique_ptr<std::uint8_t[], Free> octets_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace diaryx::crdt
