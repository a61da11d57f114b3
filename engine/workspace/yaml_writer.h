// Values as YAML text: one line, or the lines of a whole entry in block style.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "engine/codec/any.h"
#include "engine/workspace/yaml_scalar.h"

namespace diaryx::workspace {

// How the text around it is written.
struct YamlHabit {
  Quote quote = Quote::Plain;
  std::size_t list_indent = 2;  // Spaces from a key to the "-" below it.
};

// A scalar, or a flow collection. Nothing if it is nested deeper than a header may be.
std::optional<std::string> write_inline(const codec::Any& value, Quote quote, YamlPlace place);

// "key: value" with all its lines, the last break included; `key` as it stands in the file (quoted,
// if it must be), `indent` spaces before it. Lists and maps in block style, texts of several lines
// as literals where they can be. Nothing if it is nested too deep.
std::optional<std::string> write_entry(std::string_view key, const codec::Any& value,
                                       std::size_t indent, const YamlHabit& habit);

}  // namespace diaryx::workspace
