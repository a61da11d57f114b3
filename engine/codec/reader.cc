#include "engine/codec/reader.h"

#include <string>

#include <fmt/format.h>

#include "engine/base/standard.h"
#include "engine/base/utf.h"

namespace diaryx::codec {
namespace {

// Seven bits further up would leave 63 bits.
constexpr unsigned kMaxShift = 56;

std::uint64_t big_endian(Bytes bytes) noexcept {
  std::uint64_t value = 0;
  for (const std::uint8_t byte : bytes) value = value << 8U | byte;
  return value;
}

// Adds seven bits at `shift`; false once the sum exceeds `largest` (below 2^63). Padding, octets
// without bits, may follow for ever.
bool add_bits(std::uint64_t& value, std::uint64_t bits, unsigned shift,
              std::uint64_t largest) noexcept {
  if (bits == 0) return true;
  if (shift > kMaxShift) return false;
  value += bits << shift;
  return value <= largest;
}

}  // namespace

bool Reader::try_long_var_uint(std::uint64_t& value) noexcept {
  std::uint64_t sum = 0;
  unsigned shift = 0;
  for (std::size_t at = position_; at < bytes_.size(); ++at) {
    const std::uint8_t octet = bytes_[at];
    if (!add_bits(sum, octet & 0x7FU, shift, kMaxSafeInteger)) return false;
    if (shift <= kMaxShift) shift += 7;
    if (octet < 0x80) {
      position_ = at + 1;
      value = sum;
      return true;
    }
  }
  return false;
}

bool Reader::try_var_string(std::string_view& value) noexcept {
  const std::size_t start = position_;
  Bytes bytes;
  if (!try_var_bytes(bytes)) return false;
  value = as_text(bytes);
  if (is_utf8(value)) return true;
  position_ = start;
  return false;
}

Error Reader::ends_early(std::string_view wanted) const {
  return {ErrorCode::Malformed,
          fmt::format("{} expected at octet {}, where the input ends", wanted, position_)};
}

Error Reader::var_uint_error() const {
  for (std::size_t at = position_; at < bytes_.size(); ++at) {
    if (bytes_[at] < 0x80 || at - position_ > 8) {
      return {ErrorCode::Malformed, fmt::format("number at octet {} is above 2^53 - 1", position_)};
    }
  }
  return {ErrorCode::Malformed, fmt::format("number at octet {} is cut off", position_)};
}

Error Reader::var_bytes_error() {
  const std::size_t start = position_;
  std::uint64_t length = 0;
  if (!try_var_uint(length)) return var_uint_error();
  Error error{ErrorCode::Malformed, fmt::format("length {} at octet {}, but {} octets remain",
                                                length, start, remaining())};
  position_ = start;
  return error;
}

Error Reader::var_string_error() {
  const std::size_t start = position_;
  Bytes bytes;
  if (!try_var_bytes(bytes)) return var_bytes_error();
  position_ = start;
  return {ErrorCode::Malformed, fmt::format("text at octet {} is not UTF-8", start)};
}

Result<Reader::VarInt> Reader::var_int(std::uint64_t largest) {
  if (at_end()) return ends_early("a number");
  const std::uint8_t first = bytes_[position_];
  VarInt result{first & 0x3FU, (first & 0x40U) != 0};
  std::size_t at = position_ + 1;
  unsigned shift = 6;
  for (std::uint8_t octet = first; octet >= 0x80; ++at) {
    if (at == bytes_.size()) return var_uint_error();
    octet = bytes_[at];
    if (!add_bits(result.magnitude, octet & 0x7FU, shift, largest)) {
      return Error{ErrorCode::Malformed,
                   fmt::format("number at octet {} is beyond {}", position_, largest)};
    }
    if (shift <= kMaxShift) shift += 7;
  }
  position_ = at;
  return result;
}

Result<Bytes> Reader::bytes(std::size_t count) {
  if (count > remaining()) return ends_early(fmt::format("{} octets", count));
  const Bytes value = bytes_.subspan(position_, count);
  position_ += count;
  return value;
}

Result<std::string_view> Reader::utf8(std::size_t count) {
  const std::size_t start = position_;
  DX_TRY(const Bytes value, bytes(count));
  const std::string_view text = as_text(value);
  if (is_utf8(text)) return text;
  position_ = start;
  return Error{ErrorCode::Malformed, fmt::format("text at octet {} is not UTF-8", start)};
}

Result<Any> Reader::any() {
  const std::size_t start = position_;
  Any value;
  if (auto status = any_into(value, 0); !status) {
    position_ = start;
    return std::move(status).error();
  }
  return value;
}

Status Reader::any_into(Any& out, int depth) {
  if (depth > kMaxAnyDepth) {
    return Error{ErrorCode::LimitExceeded,
                 fmt::format("value nested deeper than {}", kMaxAnyDepth)};
  }
  DX_TRY(const std::uint8_t tag, u8());
  switch (tag) {
    case 127:
      out = Any();
      return {};
    case 126:
      out = Null{};
      return {};
    case 125: {
      DX_TRY(const VarInt number, var_int());
      const auto magnitude = static_cast<double>(number.magnitude);
      out = number.negative ? -magnitude : magnitude;
      return {};
    }
    case 124: {
      DX_TRY(const Bytes raw, bytes(4));
      out = static_cast<double>(bit_cast<float>(static_cast<std::uint32_t>(big_endian(raw))));
      return {};
    }
    case 123: {
      DX_TRY(const Bytes raw, bytes(8));
      out = bit_cast<double>(big_endian(raw));
      return {};
    }
    case 122: {
      DX_TRY(const Bytes raw, bytes(8));
      out = BigInt{bit_cast<std::int64_t>(big_endian(raw))};
      return {};
    }
    case 121:
      out = false;
      return {};
    case 120:
      out = true;
      return {};
    case 119: {
      DX_TRY(const std::string_view text, var_string());
      out = text;
      return {};
    }
    case 118:
      return object_into(out, depth);
    case 117:
      return array_into(out, depth);
    case 116: {
      DX_TRY(const Bytes raw, var_bytes());
      out = to_buffer(raw);
      return {};
    }
    default:
      return Error{ErrorCode::Malformed,
                   fmt::format("value at octet {} has unknown tag {}", position_ - 1, tag)};
  }
}

// Nothing is reserved for a declared count: nested arrays could each promise all that remains.

Status Reader::array_into(Any& out, int depth) {
  DX_TRY(const std::uint64_t count, var_uint());
  // An element takes an octet at least.
  if (count > remaining()) {
    return Error{ErrorCode::Malformed,
                 fmt::format("array of {} values, but {} octets remain", count, remaining())};
  }
  AnyArray array;
  for (std::uint64_t i = 0; i < count; ++i) {
    array.emplace_back();
    DX_TRY_OK(any_into(array.back(), depth + 1));
  }
  out = std::move(array);
  return {};
}

Status Reader::object_into(Any& out, int depth) {
  DX_TRY(const std::uint64_t count, var_uint());
  // An entry takes two octets at least.
  if (count > remaining() / 2) {
    return Error{ErrorCode::Malformed,
                 fmt::format("object of {} entries, but {} octets remain", count, remaining())};
  }
  AnyObject object;
  for (std::uint64_t i = 0; i < count; ++i) {
    DX_TRY(const std::string_view key, var_string());
    object.emplace_back(key, Any());
    DX_TRY_OK(any_into(object.back().second, depth + 1));
    if (key == "__proto__") object.pop_back();
  }
  normalise_keys(object);
  out = std::move(object);
  return {};
}

}  // namespace diaryx::codec
