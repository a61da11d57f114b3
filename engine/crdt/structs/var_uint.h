// Reading and writing lib0's variable-length numbers in inner loops.
//
// codec::Reader and codec::Writer are the same format behind Results. An update holds tens of
// thousands of numbers of one or two octets, so here a read is a compare and an add, and failure is
// a flag that sticks: the caller asks once per struct, not once per number. After a failure every
// read gives 0 and consumes nothing.
#pragma once

#include <algorithm>
#include <bit>
#include <cstring>
#include <string_view>
#include <utility>

#include "engine/base/bytes.h"
#include "engine/base/utf.h"
#include "engine/crdt/id.h"
#include "engine/crdt/structs/copy_octets.h"

namespace diaryx::crdt {

// Reads a number where eight octets can be looked at; `at` goes behind it. Above kMaxClock: it is
// too large, or longer than that.
inline std::uint64_t get_long_var_uint(const std::uint8_t*& at) noexcept {
  if constexpr (std::endian::native == std::endian::little) {
    // Eight octets at once: where the number ends, then its groups of seven bits moved together.
    std::uint64_t word = 0;
    std::memcpy(&word, at, 8);
    const std::uint64_t ends = ~word & 0x8080808080808080U;
    if (ends == 0) return ~std::uint64_t{0};
    word &= ends ^ (ends - 1);  // Nothing behind the last octet.
    word = (word & 0x007F007F007F007FU) | ((word & 0x7F007F007F007F00U) >> 1U);
    word = (word & 0x00003FFF00003FFFU) | ((word & 0x3FFF00003FFF0000U) >> 2U);
    word = (word & 0x000000000FFFFFFFU) | ((word & 0x0FFFFFFF00000000U) >> 4U);
    at += (std::countr_zero(ends) + 1) / 8;
    return word;
  } else {
    return ~std::uint64_t{0};
  }
}
// The same for numbers that are mostly small.
inline std::uint64_t get_var_uint(const std::uint8_t*& at) noexcept {
  return *at < 0x80 ? *at++ : get_long_var_uint(at);
}

class WireReader {
 public:
  // Borrows `bytes`.
  explicit WireReader(Bytes bytes) : at_(bytes.data()), end_(at_ + bytes.size()), begin_(at_) {}

  bool failed() const noexcept { return why_ != nullptr; }
  const char* why() const noexcept { return why_; }
  std::size_t position() const noexcept { return static_cast<std::size_t>(at_ - begin_); }
  std::size_t failed_at() const noexcept { return failed_at_; }
  std::size_t remaining() const noexcept { return static_cast<std::size_t>(end_ - at_); }
  const std::uint8_t* cursor() const noexcept { return at_; }
  // What was read at the cursor by other means ends there.
  void advance_to(const std::uint8_t* at) noexcept { at_ = at; }

  void fail(const char* why) noexcept {
    if (why_ != nullptr) return;
    why_ = why;
    failed_at_ = position();
    at_ = end_;
  }

  std::uint8_t u8() noexcept {
    if (at_ == end_) {
      fail("ends too early");
      return 0;
    }
    return *at_++;
  }

  // At most 2^53 - 1.
  std::uint64_t var_uint() noexcept {
    if (at_ != end_ && *at_ < 0x80) return *at_++;
    return long_var_uint();
  }

  struct VarInt {
    std::uint64_t magnitude;
    bool negative;  // With magnitude 0: JavaScript's -0.
  };
  // Magnitude below 2^55: a column doubles its differences.
  VarInt var_int() noexcept {
    if (remaining() >= 8) {
      // The sign is the seventh bit of what would be a number without one.
      const std::uint8_t* at = at_;
      const std::uint64_t value = get_long_var_uint(at);
      if (value >> 56U == 0) {
        at_ = at;
        return {(value >> 7U << 6U) | (value & 0x3FU), (value & 0x40U) != 0};
      }
    }
    const std::uint8_t first = u8();
    VarInt value{static_cast<std::uint64_t>(first & 0x3FU), (first & 0x40U) != 0};
    if ((first & 0x80U) != 0) {
      const std::uint64_t rest = var_uint();
      if (rest >= 1ULL << 49U) fail("a number above 2^55");
      value.magnitude |= rest << 6U;
    }
    return value;
  }

  Bytes bytes(std::uint64_t count) noexcept {
    if (count > remaining()) {
      fail("a length goes beyond the end");
      return {};
    }
    const Bytes result(at_, static_cast<std::size_t>(count));
    at_ += count;
    return result;
  }

  Bytes var_bytes() noexcept { return bytes(var_uint()); }

  // Checked UTF-8.
  std::string_view var_string() noexcept {
    const std::string_view text = as_text(var_bytes());
    if (!is_utf8(text)) {
      fail("a string is not UTF-8");
      return {};
    }
    return text;
  }

  // So many octets must be left.
  void skip_unchecked(std::uint64_t count) noexcept { at_ += count; }
  void skip(std::uint64_t count) noexcept { (void)bytes(count); }  // A failure sticks by itself.

 private:
  std::uint64_t long_var_uint() noexcept {
    if (remaining() >= 8) {
      const std::uint8_t* at = at_;
      const std::uint64_t value = get_var_uint(at);
      if (value <= kMaxClock) {
        at_ = at;
        return value;
      }
    }
    return slow_var_uint();
  }
  // Near the end, and what is too large.
  std::uint64_t slow_var_uint() noexcept {
    std::uint64_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
      if (at_ == end_) {
        fail("ends inside a number");
        return 0;
      }
      const std::uint8_t octet = *at_++;
      if (shift < 56) value |= static_cast<std::uint64_t>(octet & 0x7FU) << shift;
      if (shift >= 56 || value > kMaxClock) {
        fail("a number above 2^53 - 1");
        return 0;
      }
      if (octet < 0x80) return value;
    }
  }

  const std::uint8_t* at_;
  const std::uint8_t* end_;
  const std::uint8_t* begin_;
  const char* why_ = nullptr;
  std::size_t failed_at_ = 0;
};

// Writes a number and returns where it ends. Overwrites eight octets, however few it keeps.
inline std::uint8_t* put_var_uint(std::uint8_t* to, std::uint64_t value) noexcept {
  if (value < 0x80) {
    *to = static_cast<std::uint8_t>(value);
    return to + 1;
  }
  if constexpr (std::endian::native == std::endian::little) {
    // The groups of seven bits moved apart, all at once; then all but the last one marked.
    const auto octets = static_cast<unsigned>(std::bit_width(value) + 6) / 7;
    std::uint64_t word = (value & 0x000000000FFFFFFFU) | ((value & 0x00FFFFFFF0000000U) << 4U);
    word = (word & 0x00003FFF00003FFFU) | ((word & 0x0FFFC0000FFFC000U) << 2U);
    word = (word & 0x007F007F007F007FU) | ((word & 0x3F803F803F803F80U) << 1U);
    word |= 0x8080808080808080U & ((1ULL << (8 * (octets - 1))) - 1);
    std::memcpy(to, &word, sizeof word);
    return to + octets;
  } else {
    for (; value >= 0x80; value >>= 7U) *to++ = static_cast<std::uint8_t>(value | 0x80U);
    *to++ = static_cast<std::uint8_t>(value);
    return to;
  }
}

// Appends to a Buffer of its own. reserve() once per struct, then write without checks.
class WireWriter {
 public:
  // The most octets that one number takes: 53 bits, 7 at a time.
  static constexpr std::size_t kMaxVar = 8;

  WireWriter() = default;
  // Takes over a buffer for its capacity.
  explicit WireWriter(Buffer&& reuse) : buffer_(std::move(reuse)) {}

  // Room for `count` more octets; what follows may write that much unchecked.
  void reserve(std::size_t count) {
    if (buffer_.size() - size_ < count) grow(count);
  }
  void u8(std::uint8_t value) noexcept { buffer_[size_++] = value; }
  // Takes kMaxVar octets of the room, however few it keeps.
  void var_uint(std::uint64_t value) noexcept {
    size_ = static_cast<std::size_t>(put_var_uint(buffer_.data() + size_, value) - buffer_.data());
  }
  void bytes(Bytes value) noexcept {
    copy_octets(buffer_.data() + size_, value.data(), value.size());
    size_ += value.size();
  }
  // Reserves for itself.
  void var_string(std::string_view text) {
    reserve(text.size() + kMaxVar);
    var_uint(text.size());
    bytes(as_bytes(text));
  }

  // For what writes many things in a row: where the next octet goes, and, once they are there,
  // where they end.
  std::uint8_t* cursor() noexcept { return buffer_.data() + size_; }
  void advance_to(const std::uint8_t* end) noexcept {
    size_ = static_cast<std::size_t>(end - buffer_.data());
  }

  std::size_t size() const noexcept { return size_; }
  void clear() noexcept { size_ = 0; }
  Bytes written() const noexcept { return Bytes(buffer_.data(), size_); }
  Buffer take() && {
    buffer_.resize(size_);
    return std::move(buffer_);
  }

 private:
  void grow(std::size_t count) { buffer_.resize(std::max(size_ + count, buffer_.size() * 2 + 64)); }
  Buffer buffer_;
  std::size_t size_ = 0;
};

}  // namespace diaryx::crdt
