// All the ways in which a fixture is damaged in tests: cut short anywhere, one octet replaced by
// any other.
#pragma once

#include "engine/base/bytes.h"

namespace diaryx::test {

// Calls visit(Bytes) with every proper prefix of `fixture`, the empty one included. Each is a copy
// of its own, so that a sanitizer sees a read behind its end.
template <class Visit>
void for_each_truncation(Bytes fixture, const Visit& visit) {
  for (std::size_t length = 0; length < fixture.size(); ++length) {
    const Buffer cut(fixture.begin(), fixture.begin() + static_cast<std::ptrdiff_t>(length));
    visit(Bytes(cut));
  }
}

// Calls visit(Bytes) with every copy of `fixture` in which one octet is another one: 255 copies for
// each octet.
template <class Visit>
void for_each_octet_change(Bytes fixture, const Visit& visit) {
  Buffer changed(fixture.begin(), fixture.end());
  for (std::size_t at = 0; at < changed.size(); ++at) {
    const std::uint8_t original = changed[at];
    for (unsigned value = 0; value < 256; ++value) {
      if (value == original) continue;
      changed[at] = static_cast<std::uint8_t>(value);
      visit(Bytes(changed));
    }
    changed[at] = original;
  }
}

}  // namespace diaryx::test
