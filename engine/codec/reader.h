// Reads lib0's byte encoding, bounds-checked. Every call either consumes exactly what it returns or fails.
//
//   varuint  := 7 bits per octet, low first, 0x80 = more; at most 2^53 - 1 (JavaScript's largest exact integer)
//   varint   := first octet: 0x80 = more, 0x40 = negative, 6 bits; then as varuint. Magnitude at most 2^53 - 1.
//               "minus zero" (40) is a value of its own for the column decoders.
//   varbytes := varuint length, octets      varstring := varbytes that are UTF-8
//   any      := tag octet: 127 undefined, 126 null, 125 varint, 124 float32, 123 float64, 122 bigint64 (all big-endian),
//               121 false, 120 true, 119 varstring, 118 object: varuint n × (varstring key, any), 117 array, 116 varbytes
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
  Result<VarInt> var_int();
  Result<Bytes> bytes(std::size_t count);
  Result<Bytes> var_bytes();
  // Malformed if the octets are not UTF-8.
  Result<std::string_view> utf8(std::size_t count);
  Result<std::string_view> var_string();
  Result<Any> any();

  bool at_end() const noexcept { return position_ == bytes_.size(); }
  std::size_t position() const noexcept { return position_; }
  std::size_t remaining() const noexcept { return bytes_.size() - position_; }
  Bytes rest() const noexcept { return bytes_.subspan(position_); }

 private:
  Result<Any> any_at_depth(int depth);
  Bytes bytes_;
  std::size_t position_ = 0;
};

}  // namespace diaryx::codec
