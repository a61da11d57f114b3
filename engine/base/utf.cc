#include "engine/base/utf.h"

#include <bit>
#include <cstring>

namespace diaryx {
namespace {

bool is_continuation(unsigned char c) noexcept {
  return (c & 0xC0U) == 0x80U;
}

// Length of the well-formed character at text[at], 0 if there is none.
std::size_t valid_length(std::string_view text, std::size_t at) noexcept {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[at + i]); };
  const std::size_t left = text.size() - at;
  const unsigned char a = byte(0);
  if (a < 0x80) return 1;
  if (a < 0xC2) return 0;
  if (a < 0xE0) return left >= 2 && is_continuation(byte(1)) ? 2 : 0;
  if (a < 0xF0) {
    if (left < 3 || !is_continuation(byte(1)) || !is_continuation(byte(2))) return 0;
    if (a == 0xE0 && byte(1) < 0xA0) return 0;  // Overlong.
    if (a == 0xED && byte(1) > 0x9F) return 0;  // A surrogate.
    return 3;
  }
  if (a > 0xF4 || left < 4) return 0;
  if (!is_continuation(byte(1)) || !is_continuation(byte(2)) || !is_continuation(byte(3))) return 0;
  if (a == 0xF0 && byte(1) < 0x90) return 0;  // Overlong.
  if (a == 0xF4 && byte(1) > 0x8F) return 0;  // Above U+10FFFF.
  return 4;
}

std::size_t lead_length(unsigned char c) noexcept {
  return c < 0x80 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
}

// Of 32 octets: more in flight at a time.
bool thirty_two_ascii(const char* p) noexcept {
  std::uint64_t words[4];
  std::memcpy(words, p, sizeof words);
  return ((words[0] | words[1] | words[2] | words[3]) & 0x8080808080808080U) == 0;
}

bool eight_ascii(const char* p) noexcept {
  std::uint64_t word = 0;
  std::memcpy(&word, p, 8);
  return (word & 0x8080808080808080U) == 0;
}

// How many of the next eight octets are ASCII, up to the first that is not.
std::size_t leading_ascii(const char* p) noexcept {
  std::uint64_t word = 0;
  std::memcpy(&word, p, 8);
  word &= 0x8080808080808080U;
  if (word == 0) return 8;
  return static_cast<std::size_t>(std::endian::native == std::endian::little
                                      ? std::countr_zero(word)
                                      : std::countl_zero(word)) /
         8;
}

}  // namespace

bool is_ascii_long(std::string_view text) noexcept {
  std::size_t i = 0;
  for (; i + 32 <= text.size(); i += 32) {
    if (!thirty_two_ascii(text.data() + i)) return false;
  }
  for (; i + 8 <= text.size(); i += 8) {
    if (!eight_ascii(text.data() + i)) return false;
  }
  // The last eight, some of them seen already.
  return eight_ascii(text.data() + text.size() - 8);
}

bool is_utf8(std::string_view text) noexcept {
  std::size_t i = 0;
  while (i < text.size()) {
    if (i + 32 <= text.size() && thirty_two_ascii(text.data() + i)) {
      i += 32;
      continue;
    }
    if (i + 8 <= text.size()) {
      const std::size_t ascii = leading_ascii(text.data() + i);
      i += ascii;
      if (ascii == 8) continue;
    } else if (text.size() >= 8 && eight_ascii(text.data() + text.size() - 8)) {
      return true;  // The last eight, some of them seen already.
    }
    const std::size_t n = valid_length(text, i);
    if (n == 0) return false;
    i += n;
  }
  return true;
}

std::size_t utf16_length(std::string_view utf8) noexcept {
  // Every character but those of four octets is one unit: count lead octets, and the four-octet
  // ones twice.
  std::size_t units = 0;
  std::size_t at = 0;
  constexpr std::uint64_t kOnes = 0x0101010101010101U;
  while (at + 8 <= utf8.size()) {
    if (at + 32 <= utf8.size() && thirty_two_ascii(utf8.data() + at)) {
      at += 32;
      units += 32;
      continue;
    }
    // Eight octets at a time, a flag in the lowest bit of each.
    std::uint64_t word = 0;
    std::memcpy(&word, utf8.data() + at, sizeof word);
    const std::uint64_t continued = (word >> 7U) & (~word >> 6U) & kOnes;
    const std::uint64_t of_four = (word >> 7U) & (word >> 6U) & (word >> 5U) & (word >> 4U) & kOnes;
    // The product's highest octet is the sum of all flags.
    units += 8 - ((continued * kOnes) >> 56U) + ((of_four * kOnes) >> 56U);
    at += 8;
  }
  for (const char ch : utf8.substr(at)) {
    const auto c = static_cast<unsigned char>(ch);
    units += static_cast<std::size_t>(!is_continuation(c)) + static_cast<std::size_t>(c >= 0xF0);
  }
  return units;
}

Utf8Offset utf8_offset_from_end(std::string_view utf8, std::size_t units) noexcept {
  std::size_t at = utf8.size();
  while (units > 0 && at > 0) {
    do {
      --at;
    } while (at > 0 && is_continuation(static_cast<unsigned char>(utf8[at])));
    if (static_cast<unsigned char>(utf8[at]) >= 0xF0) {
      if (units == 1) return {at, true};
      --units;
    }
    --units;
  }
  return {at, false};
}

Utf8Offset utf8_offset(std::string_view utf8, std::size_t units) noexcept {
  std::size_t at = 0;
  while (units > 0 && at < utf8.size()) {
    const std::size_t n = lead_length(static_cast<unsigned char>(utf8[at]));
    if (n == 4) {
      if (units == 1) return {at, true};
      --units;
    }
    --units;
    at += n;
  }
  return {at < utf8.size() ? at : utf8.size(), false};
}

void append_code_point(std::string& out, char32_t value) {
  const auto put = [&](char32_t c) { out.push_back(static_cast<char>(c)); };
  if (value < 0x80) {
    put(value);
  } else if (value < 0x800) {
    put(0xC0U | (value >> 6U));
    put(0x80U | (value & 0x3FU));
  } else if (value < 0x10000) {
    put(0xE0U | (value >> 12U));
    put(0x80U | ((value >> 6U) & 0x3FU));
    put(0x80U | (value & 0x3FU));
  } else {
    put(0xF0U | (value >> 18U));
    put(0x80U | ((value >> 12U) & 0x3FU));
    put(0x80U | ((value >> 6U) & 0x3FU));
    put(0x80U | (value & 0x3FU));
  }
}

CodePoint code_point_at(std::string_view utf8, std::size_t at) noexcept {
  const auto byte = [&](std::size_t i) {
    return static_cast<char32_t>(static_cast<unsigned char>(utf8[at + i]));
  };
  const std::size_t n = lead_length(static_cast<unsigned char>(utf8[at]));
  switch (n) {
    case 1:
      return {byte(0), 1};
    case 2:
      return {(byte(0) & 0x1FU) << 6U | (byte(1) & 0x3FU), 2};
    case 3:
      return {(byte(0) & 0x0FU) << 12U | (byte(1) & 0x3FU) << 6U | (byte(2) & 0x3FU), 3};
    default:
      return {(byte(0) & 0x07U) << 18U | (byte(1) & 0x3FU) << 12U | (byte(2) & 0x3FU) << 6U |
                  (byte(3) & 0x3FU),
              4};
  }
}

std::string utf16_to_utf8(std::u16string_view utf16) {
  std::string out;
  out.reserve(utf16.size());
  for (std::size_t i = 0; i < utf16.size(); ++i) {
    const char32_t unit = utf16[i];
    if (unit < 0xD800 || unit > 0xDFFF) {
      append_code_point(out, unit);
      continue;
    }
    const bool pair =
        unit < 0xDC00 && i + 1 < utf16.size() && utf16[i + 1] >= 0xDC00 && utf16[i + 1] <= 0xDFFF;
    if (!pair) {
      append_code_point(out, 0xFFFD);
      continue;
    }
    append_code_point(out, 0x10000 + ((unit - 0xD800) << 10U) + (char32_t{utf16[i + 1]} - 0xDC00));
    ++i;
  }
  return out;
}

std::u16string utf8_to_utf16(std::string_view utf8) {
  std::u16string out;
  out.reserve(utf8.size());
  for (std::size_t at = 0; at < utf8.size();) {
    const CodePoint c = code_point_at(utf8, at);
    at += c.bytes;
    if (c.value < 0x10000) {
      out.push_back(static_cast<char16_t>(c.value));
    } else {
      out.push_back(static_cast<char16_t>(0xD800 + ((c.value - 0x10000) >> 10U)));
      out.push_back(static_cast<char16_t>(0xDC00 + ((c.value - 0x10000) & 0x3FFU)));
    }
  }
  return out;
}

std::string replace_invalid_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t n = valid_length(text, at);
    if (n == 0) {
      out += "\xEF\xBF\xBD";
      ++at;
    } else {
      out.append(text, at, n);
      at += n;
    }
  }
  return out;
}

}  // namespace diaryx
