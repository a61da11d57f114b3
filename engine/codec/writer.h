// Writes lib0's byte encoding (grammar: reader.h) to the end of a Buffer.
#pragma once

#include <cstdint>
#include <string_view>

#include "engine/base/bytes.h"
#include "engine/codec/any.h"

namespace diaryx::codec {

// Appends to `out`, which must outlive the writer.
class Writer {
 public:
  explicit Writer(Buffer& out) : out_(out) {}

  void u8(std::uint8_t value) { out_.push_back(value); }
  void var_uint(std::uint64_t value);  // value <= 2^53 - 1
  void var_int(std::uint64_t magnitude, bool negative);
  void bytes(Bytes value) { out_.insert(out_.end(), value.begin(), value.end()); }
  void var_bytes(Bytes value) {
    var_uint(value.size());
    bytes(value);
  }
  // As it is: `value` must be UTF-8.
  void var_string(std::string_view value) { var_bytes(as_bytes(value)); }
  // In lib0's shortest form, object keys in JavaScript's order, lone surrogates as U+FFFD.
  void any(const Any& value);

 private:
  void number(double value);
  void big_endian(std::uint64_t value, unsigned octets);
  void wtf8(std::string_view value);
  Buffer& out_;
};

inline void Writer::var_uint(std::uint64_t value) {
  while (value >= 0x80) {
    out_.push_back(static_cast<std::uint8_t>(0x80U | (value & 0x7FU)));
    value >>= 7U;
  }
  out_.push_back(static_cast<std::uint8_t>(value));
}

}  // namespace diaryx::codec
