// The octets of a document's content: appended to, never moved, addressed by 32-bit offsets.
//
// Not a std::vector, because that clears what it grows by and calls a function to append the one
// octet of a key stroke.
#pragma once

#include <cstring>
#include <limits>
#include <memory>
#include <string_view>

#include "engine/base/bytes.h"
#include "engine/base/check.h"
#include "engine/base/standard.h"
#include "engine/crdt/copy_octets.h"

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
  // Forgets the octets from `size` on.
  void truncate(std::size_t size) noexcept { size_ = size; }
  void clear() noexcept { size_ = 0; }

 private:
  std::unique_ptr<std::uint8_t[]> moved_to(std::size_t capacity) {
    auto larger = make_unique_for_overwrite<std::uint8_t[]>(capacity);
    if (size_ > 0) std::memcpy(larger.get(), octets_.get(), size_);
    capacity_ = capacity;
    std::swap(larger, octets_);
    return larger;
  }
  // Returns what held the octets before.
  std::unique_ptr<std::uint8_t[]> grow(std::size_t wanted) {
    DX_CHECK(wanted <= std::numeric_limits<std::uint32_t>::max());  // Items say where by 32 bits.
    const std::size_t larger = capacity_ + capacity_ / 2 + 16;
    return moved_to(wanted > larger ? wanted : larger);
  }
  void append_growing(Bytes octets) {
    const auto before = grow(size_ + octets.size());
    std::memcpy(octets_.get() + size_, octets.data(), octets.size());
    size_ += octets.size();
  }

  std::unique_ptr<std::uint8_t[]> octets_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace diaryx::crdt
