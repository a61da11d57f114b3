// JSON for control messages, --json output and REST: nlohmann::json behind two functions that do
// not throw. (The JSON inside CRDT documents and awareness follows JavaScript's rules: see
// codec/json_text.h.)
#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "engine/base/result.h"

namespace diaryx {

using Json = nlohmann::json;  // Keys sorted.
using OrderedJson =
    nlohmann::ordered_json;  // Keys in the order given; linear look-up, so only for small objects.

// Deeper nesting than this is refused, because dumping recurses.
inline constexpr int kMaxJsonDepth = 128;

// Malformed with line-free text of what is wrong; LimitExceeded if too deep.
Result<Json> parse_json(std::string_view text);
Result<OrderedJson> parse_ordered_json(std::string_view text);
// One line. Octets that are not UTF-8 become U+FFFD.
std::string dump_json(const Json& value);
std::string dump_json(const OrderedJson& value);

}  // namespace diaryx
