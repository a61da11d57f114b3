// Copying the short strings of a typed text.
#pragma once

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

}  // namespace diaryx::crdt
