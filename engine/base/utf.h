// UTF-8 ↔ UTF-16: the one place that knows how the two count. Yjs counts UTF-16 units, everything
// else octets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace diaryx {

// True if `text` is well-formed UTF-8: no overlong forms, no surrogates, nothing above U+10FFFF.
bool is_utf8(std::string_view text) noexcept;
bool is_ascii_long(std::string_view text) noexcept;  // Of eight octets or more.
inline bool is_ascii(std::string_view text) noexcept {
  if (text.size() >= 8) return is_ascii_long(text);
  unsigned all = 0;
  for (const char c : text) all |= static_cast<unsigned char>(c);
  return all < 0x80;
}

// Number of UTF-16 units of a well-formed UTF-8 text.
std::size_t utf16_length(std::string_view utf8) noexcept;

struct Utf8Offset {
  std::size_t bytes;       // Where the UTF-16 index falls, in octets.
  bool inside_surrogates;  // The index falls between the two units of one character; bytes points
                           // before it.
};
// `units` beyond the end gives the end. `utf8` must be well-formed.
Utf8Offset utf8_offset(std::string_view utf8, std::size_t units) noexcept;
// The same, counted from the end: looks at no more than it counts.
Utf8Offset utf8_offset_from_end(std::string_view utf8, std::size_t units) noexcept;

// Lone surrogates become U+FFFD, as TextEncoder does.
std::string utf16_to_utf8(std::u16string_view utf16);
// `utf8` must be well-formed.
std::u16string utf8_to_utf16(std::string_view utf8);
// Every octet that is no part of a well-formed character becomes U+FFFD.
std::string replace_invalid_utf8(std::string_view text);

// The character that starts at `at` (well-formed text, at < size) and its length in octets.
struct CodePoint {
  char32_t value;
  std::size_t bytes;
};
CodePoint code_point_at(std::string_view utf8, std::size_t at) noexcept;
void append_code_point(std::string& out, char32_t value);

}  // namespace diaryx
