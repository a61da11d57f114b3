#include "engine/codec/wtf8.h"

#include "engine/base/utf.h"

namespace diaryx::codec {
namespace {

constexpr std::size_t kSurrogateBytes = 3;

unsigned char octet(std::string_view text, std::size_t at) noexcept {
  return static_cast<unsigned char>(text[at]);
}

bool is_surrogate_at(std::string_view text, std::size_t at) noexcept {
  return at + kSurrogateBytes <= text.size() && octet(text, at) == 0xED &&
         octet(text, at + 1) >= 0xA0;
}

// Where the next surrogate starts, or npos.
std::size_t find_surrogate(std::string_view text, std::size_t from) noexcept {
  for (std::size_t at = text.find('\xED', from); at != std::string_view::npos;
       at = text.find('\xED', at + 1)) {
    if (is_surrogate_at(text, at)) return at;
  }
  return std::string_view::npos;
}

}  // namespace

bool has_lone_surrogate(std::string_view wtf8) noexcept {
  return find_surrogate(wtf8, 0) != std::string_view::npos;
}

std::string replace_lone_surrogates(std::string_view wtf8) {
  std::string out;
  out.reserve(wtf8.size());
  std::size_t from = 0;
  for (std::size_t at = find_surrogate(wtf8, 0); at != std::string_view::npos;
       at = find_surrogate(wtf8, from)) {
    out.append(wtf8, from, at - from);
    out += "\xEF\xBF\xBD";
    from = at + kSurrogateBytes;
  }
  out.append(wtf8, from);
  return out;
}

void append_utf16_unit(std::string& out, char16_t unit) {
  const bool is_low = unit >= 0xDC00 && unit <= 0xDFFF;
  if (is_low && out.size() >= kSurrogateBytes &&
      is_surrogate_at(out, out.size() - kSurrogateBytes)) {
    const char32_t before = code_point_at(out, out.size() - kSurrogateBytes).value;
    if (before < 0xDC00) {
      out.resize(out.size() - kSurrogateBytes);
      append_code_point(out, 0x10000 + ((before - 0xD800) << 10U) + (char32_t{unit} - 0xDC00));
      return;
    }
  }
  append_code_point(out, unit);
}

void append_wtf8(std::string& out, std::string_view wtf8) {
  if (is_surrogate_at(wtf8, 0)) {
    append_utf16_unit(out, static_cast<char16_t>(code_point_at(wtf8, 0).value));
    wtf8.remove_prefix(kSurrogateBytes);
  }
  out += wtf8;
}

}  // namespace diaryx::codec
