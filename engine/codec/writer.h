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
  void var_bytes(Bytes value);
  void var_string(std::string_view value) { var_bytes(as_bytes(value)); }
  void any(const Any& value);

 private:
  Buffer& out_;
};

}  // namespace diaryx::codec
