// WTF-8: UTF-8 that may also hold lone surrogates, so that a JavaScript string fits in it without
// loss.
//
//   A surrogate U+D800 .. U+DFFF takes three octets, ED A0 80 .. ED BF BF. A high one directly
//   before a low one is not allowed: the two are written as the one character that they make (F0 9F
//   98 80, not ED A0 BD ED B8 80).
//
// base/utf.h's utf16_length() and utf8_to_utf16() count and convert WTF-8 rightly too.
#pragma once

#include <string>
#include <string_view>

namespace diaryx::codec {

// True if a lone surrogate is in it. `wtf8` must be well-formed WTF-8.
bool has_lone_surrogate(std::string_view wtf8) noexcept;
// Each lone surrogate becomes U+FFFD; the result is UTF-8.
std::string replace_lone_surrogates(std::string_view wtf8);
// Appends one UTF-16 unit; joins it with a high surrogate at the end of `out`, if they make a
// character.
void append_utf16_unit(std::string& out, char16_t unit);
// Appends WTF-8 to WTF-8, joining the surrogates that meet.
void append_wtf8(std::string& out, std::string_view wtf8);

}  // namespace diaryx::codec
