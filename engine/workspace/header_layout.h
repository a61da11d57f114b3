// Where the entries of a header stand: read from libyaml's events, in lines and octets, so that one
// entry can be changed and the rest left as it is.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/codec/any.h"

namespace diaryx::workspace {

inline constexpr std::size_t kMaxHeaderBytes = 64U << 10U;
inline constexpr int kMaxHeaderDepth = 64;

// How a value is written.
enum class YamlStyle { Plain, Single, Double, Block, Flow, BlockList, BlockMap, Alias };

// A value in the source. Lines count from 0, offsets are octets, both of the text between the
// fences.
struct YamlSpan {
  codec::Any value;
  YamlStyle style = YamlStyle::Plain;
  std::string text;    // Of a scalar, before the schema is asked what it means: "1.10", "007".
  std::string anchor;  // "&name" without the "&".
  std::size_t begin = 0,
              end = 0;  // Of a scalar, alias or flow collection, anchor and tag included.
  std::size_t first_line = 0, last_line = 0;  // Comments behind the last line are not part of it.
};

struct YamlEntry {
  std::string key;
  std::size_t key_end = 0;     // The octet behind the ":".
  std::size_t first_line = 0;  // Of the key; the entry goes to value.last_line.
  YamlSpan value;
  std::vector<YamlSpan> items;  // Of a BlockList.
  std::size_t dash_column = 0;  // Of a BlockList, in characters.
  bool plain_items =
      false;  // Each "-" starts the line on which its item begins; no two share a line.
};

struct HeaderLayout {
  std::vector<YamlEntry> entries;  // In file order, keys unique.
  std::size_t indent = 0;          // Spaces before each key.
  std::vector<std::size_t>
      lines;  // Where each line starts, as YAML counts lines; one more: the end of the text.
  std::size_t end_line = 0;        // New entries go before this line: the end, or a line of "...".
  std::set<std::string> dangling;  // Aliases without an anchor before them.
};

// A header in three parts; the fences keep what they have of spaces and breaks. Borrows from the
// header. Malformed without fences.
struct FencedHeader {
  std::string_view open, inner, close;
};
Result<FencedHeader> take_apart_header(std::string_view header);

// `inner`: the text between the fences. Errors say "line:column: reason" with lines of the file,
// which counts the fence.
Result<HeaderLayout> lay_out_header(std::string_view inner);

}  // namespace diaryx::workspace
