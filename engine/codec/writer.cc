#include "engine/codec/writer.h"

#include <cmath>
#include <limits>

#include "engine/base/standard.h"
#include "engine/codec/wtf8.h"

namespace diaryx::codec {
namespace {

constexpr double kMaxTaggedInteger = 2147483647.0;     // 2^31 - 1
constexpr std::uint64_t kNan = 0x7FF8'0000'0000'0000;  // The one that JavaScript engines write.

bool is_float32(double value) noexcept {
  if (std::isinf(value)) return true;
  // Beyond the range of float the conversion is not defined; also false for NaN.
  if (!(std::fabs(value) <= static_cast<double>(std::numeric_limits<float>::max()))) return false;
  return static_cast<double>(static_cast<float>(value)) == value;
}

}  // namespace

void Writer::var_int(std::uint64_t magnitude, bool negative) {
  const std::uint64_t rest = magnitude >> 6U;
  out_.push_back(static_cast<std::uint8_t>((rest != 0 ? 0x80U : 0U) | (negative ? 0x40U : 0U) |
                                           (magnitude & 0x3FU)));
  if (rest != 0) var_uint(rest);
}

void Writer::big_endian(std::uint64_t value, unsigned octets) {
  for (unsigned i = octets; i > 0; --i)
    out_.push_back(static_cast<std::uint8_t>(value >> (8U * (i - 1))));
}

void Writer::wtf8(std::string_view value) {
  if (has_lone_surrogate(value)) {
    var_string(replace_lone_surrogates(value));
  } else {
    var_string(value);
  }
}

void Writer::number(double value) {
  if (std::fabs(value) <= kMaxTaggedInteger && std::trunc(value) == value) {
    u8(125);
    var_int(static_cast<std::uint64_t>(std::fabs(value)), std::signbit(value));
  } else if (is_float32(value)) {
    u8(124);
    big_endian(bit_cast<std::uint32_t>(static_cast<float>(value)), 4);
  } else {
    u8(123);
    big_endian(std::isnan(value) ? kNan : bit_cast<std::uint64_t>(value), 8);
  }
}

void Writer::any(const Any& value) {
  if (value.is_undefined()) {
    u8(127);
  } else if (value.is_null()) {
    u8(126);
  } else if (const auto* truth = value.get<bool>()) {
    u8(*truth ? 120 : 121);
  } else if (const auto* real = value.get<double>()) {
    number(*real);
  } else if (const auto* integer = value.get<BigInt>()) {
    u8(122);
    big_endian(bit_cast<std::uint64_t>(integer->value), 8);
  } else if (const auto* text = value.get<std::string>()) {
    u8(119);
    wtf8(*text);
  } else if (const auto* raw = value.get<Buffer>()) {
    u8(116);
    var_bytes(*raw);
  } else if (const auto* array = value.get<AnyArray>()) {
    u8(117);
    var_uint(array->size());
    for (const Any& element : *array) any(element);
  } else if (const auto* object = value.get<AnyObject>()) {
    u8(118);
    var_uint(object->size());
    for (const auto* entry : in_key_order(*object)) {
      wtf8(entry->first);
      any(entry->second);
    }
  }
}

}  // namespace diaryx::codec
