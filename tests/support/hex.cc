#include "tests/support/hex.h"

#include "engine/base/check.h"

namespace diaryx::test {
namespace {

int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

Buffer hex(std::string_view text) {
  Buffer out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == ' ' || text[i] == '\n') continue;
    if (text[i] == '"') {
      for (++i; i < text.size() && text[i] != '"'; ++i)
        out.push_back(static_cast<std::uint8_t>(text[i]));
      DX_CHECK(i < text.size());
      continue;
    }
    DX_CHECK(i + 1 < text.size());
    const int high = digit(text[i]);
    const int low = digit(text[i + 1]);
    DX_CHECK(high >= 0);
    DX_CHECK(low >= 0);
    out.push_back(static_cast<std::uint8_t>(high * 16 + low));
    ++i;
  }
  return out;
}

}  // namespace diaryx::test
