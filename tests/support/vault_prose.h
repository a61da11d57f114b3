// Seeded Markdown that looks like somebody's notes: for vaults and benchmarks, not for reading.
#pragma once

#include <string>
#include <vector>

#include "engine/base/random.h"

namespace diaryx::test {

// Three or four words, the first one with a capital; no characters that YAML or Markdown care
// about.
std::string make_title(Random& random);
// Paragraphs, headings, lists, quotes and code, at least `bytes` octets, ending in a line break.
// `links` are put in as they are, now and then; may be empty.
std::string make_body(Random& random, std::size_t bytes, const std::vector<std::string>& links);

}  // namespace diaryx::test
