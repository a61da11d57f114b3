// Copying the short strings of a typed text.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace diaryx::crdt {

// memcpy, but without a call for the few octets that most strings of a typed text have.
inline void copy_octets(std::uint8_t* to, const std::uint8_t* from, std::size_t count) noexcept {
  if (count > 16) {
    std::memcpy(to, from, count);
  } else if (count >= 8) {
    // Two words that may overlap.
    std::uint64_t first = 0;
    std::uint64_t last = 0;
    std::memcpy(&first, from, 8);
    std::memcpy(&last, from + count - 8, 8);
    std::memcpy(to, &first, 8);
    std::memcpy(to + count - 8, &last, 8);
  } else {
    for (std::size_t i = 0; i < count; ++i) to[i] = from[i];
  }
}

// Copies `count` octets, at most 16, of sixteen that may be read, to where sixteen may be written.
// True if those that count are ASCII.
inline bool copy_short_ascii(std::uint8_t* to, const std::uint8_t* from,
                             std::size_t count) noexcept {
  std::uint64_t first = 0;
  std::uint64_t second = 0;
  std::memcpy(&first, from, 8);
  std::memcpy(&second, from + 8, 8);
  std::memcpy(to, &first, 8);
  std::memcpy(to + 8, &second, 8);
  if constexpr (std::endian::native == std::endian::little) {
    constexpr std::uint64_t kHigh = 0x8080808080808080U;
    // What follows does not count: it is shifted out, in two steps because there may be no shift by
    // all 64 bits.
    const bool two = count > 8;
    const std::size_t unused = 8 * ((two ? 16 : 8) - count);
    const std::uint64_t last = (two ? second : first) << (unused / 2) << (unused - unused / 2);
    return (((two ? first : 0) | last) & kHigh) == 0;
  } else {
    unsigned all = 0;
    for (std::size_t i = 0; i < count; ++i) all |= from[i];
    return all < 0x80;
  }
}

}  // namespace diaryx::crdt
