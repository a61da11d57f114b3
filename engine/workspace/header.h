// The YAML header of a note: read once by libyaml's events, edited by line spans, so that what did
// not change stays octet for octet (comments, order, quoting, anchors, blank lines).
//
// Scalars follow YAML 1.2's core schema: `yes` is a string, `1.10` a number, "1.10" a string, ~
// null. Limits: 64 KiB, 64 levels. Aliases are kept as text in the file and not expanded when read
// (the value is the string "*name").
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/codec/any.h"

namespace diaryx::workspace {

// Top-level entries in file order. A key given twice is Malformed, with its line.
// `header` is MarkdownFile::header, fences included. An empty header gives no entries.
Result<codec::AnyObject> read_header(std::string_view header);

struct HeaderChange {
  std::string key;
  std::optional<codec::Any> value;  // Nothing: remove the entry.
};

// Changes the named entries' lines and no others; a new key goes to the end; a removed one goes
// with the comment lines directly above it left in place. `header` nothing and something to say:
// makes a header. The last entry removed: an empty header stays. Malformed if the header cannot be
// read (then nothing may be changed in it).
Result<std::optional<std::string>> edit_header(const std::optional<std::string>& header,
                                               const std::vector<HeaderChange>& changes);

}  // namespace diaryx::workspace
