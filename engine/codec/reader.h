// Reads lib0's byte encoding, bounds-checked. Every call either consumes exactly what it returns or
// fails.
//
//   varuint  := 7 bits per octet, low first, 0x80 = more; at most 2^53 - 1 (JavaScript's largest
//   exact integer) varint   := first octet: 0x80 = more, 0x40 = negative, 6 bits; then as varuint.
//   Magnitude at most 2^53 - 1.
//               "minus zero" (40) is a value of its own for the column decoders.
//   varbytes := varuint length, octets      varstring := varbytes that are UTF-8
//   any      := tag octet: 127 undefined, 126 null, 125 varint, 124 float32, 123 float64, 122
//   bigint64 (all big-endian),
//               121 false, 120 true, 119 varstring, 118 object: varuint n × (varstring key, any),
//               117 array, 116 varbytes
//
// Longer forms than needed are accepted ("80 00" is 0), because lib0 accepts them.
//
// Examples: varuint ac 02 = 300; varint c1 01 = -65; any 76 01 01 "k" 75 02 7d 01 7e =
// {"k":[1,null]}
#pragma once

#include <cstdint>
#include <string_view>

#include "engine/base/bytes.h"
#include "engine/base/result.h"
#include "engine/codec/any.h"

namespace diaryx::codec {

inline constexpr std::uint64_t kMaxSafeInteger = (1ULL << 53U) - 1;
inline constexpr int kMaxAnyDepth = 512;

class Reader {
 public:
  // Borrows `bytes`: they must outlive the reader and all views it returns.
  explicit Reader(Bytes bytes) : bytes_(bytes) {}

  Result<std::uint8_t> u8();
  Result<std::uint64_t> var_uint();
  struct VarInt {
    std::uint64_t magnitude;
    bool negative;  // With magnitude 0: JavaScript's -0.
  };
  // Malformed if the magnitude is above `largest` (at most 2^63 - 1).
  Result<VarInt> var_int(std::uint64_t largest = kMaxSafeInteger);
  Result<Bytes> bytes(std::size_t count);
  Result<Bytes> var_bytes();
  // Malformed if the octets are not UTF-8.
  Result<std::string_view> utf8(std::size_t count);
  Result<std::string_view> var_string();
  // LimitExceeded below kMaxAnyDepth. An object comes in JavaScript's key order, and without a key
  // "__proto__": assigning to that makes no property in JavaScript, so Yjs drops it too.
  Result<Any> any();

  // The same for inner loops, without an Error to carry: false if the plain call would fail, and
  // then nothing is consumed and the plain call, made next, tells why.
  [[nodiscard]] bool try_u8(std::uint8_t& value) noexcept;
  [[nodiscard]] bool try_var_uint(std::uint64_t& value) noexcept;
  [[nodiscard]] bool try_var_bytes(Bytes& value) noexcept;
  [[nodiscard]] bool try_var_string(std::string_view& value) noexcept;

  bool at_end() const noexcept { return position_ == bytes_.size(); }
  std::size_t position() const noexcept { return position_; }
  std::size_t remaining() const noexcept { return bytes_.size() - position_; }
  Bytes rest() const noexcept { return bytes_.subspan(position_); }

 private:
  bool try_long_var_uint(std::uint64_t& value) noexcept;
  Error ends_early(std::string_view wanted) const;
  Error var_uint_error() const;
  Error var_bytes_error();
  Error var_string_error();
  Status any_into(Any& out, int depth);
  Status array_into(Any& out, int depth);
  Status object_into(Any& out, int depth);

  Bytes bytes_;
  std::size_t position_ = 0;
};

inline bool Reader::try_u8(std::uint8_t& value) noexcept {
  if (position_ == bytes_.size()) return false;
  value = bytes_[position_++];
  return true;
}

inline bool Reader::try_var_uint(std::uint64_t& value) noexcept {
  // Nearly all are of one octet.
  if (position_ < bytes_.size() && bytes_[position_] < 0x80) {
    value = bytes_[position_++];
    return true;
  }
  return try_long_var_uint(value);
}

inline bool Reader::try_var_bytes(Bytes& value) noexcept {
  const std::size_t start = position_;
  std::uint64_t length = 0;
  if (!try_var_uint(length)) return false;
  if (length > remaining()) {
    position_ = start;
    return false;
  }
  value = bytes_.subspan(position_, static_cast<std::size_t>(length));
  position_ += static_cast<std::size_t>(length);
  return true;
}

inline Result<std::uint8_t> Reader::u8() {
  std::uint8_t value = 0;
  if (try_u8(value)) [[likely]]
    return value;
  return ends_early("an octet");
}

inline Result<std::uint64_t> Reader::var_uint() {
  std::uint64_t value = 0;
  if (try_var_uint(value)) [[likely]]
    return value;
  return var_uint_error();
}

inline Result<Bytes> Reader::var_bytes() {
  Bytes value;
  if (try_var_bytes(value)) [[likely]]
    return value;
  return var_bytes_error();
}

inline Result<std::string_view> Reader::var_string() {
  std::string_view value;
  if (try_var_string(value)) [[likely]]
    return value;
  return var_string_error();
}

}  // namespace diaryx::codec
