// The corpus' values: JSON that also holds what only JavaScript knows (corpus/README.md, "Values").
//
// Inputs become codec::Any; results become corpus JSON again and are compared as such, so that a
// failure can be shown in the words of the case.
#pragma once

#include <string>
#include <string_view>

#include "engine/base/bytes.h"
#include "engine/base/json.h"
#include "engine/base/result.h"
#include "engine/codec/any.h"

namespace diaryx::compat {

// A plain value. Unsupported for forms that make a shared type or a sub-document; Malformed for a
// form that nobody knows.
Result<codec::Any> to_any(const OrderedJson& value);
// WTF-8 of a text: a string, {"$":"utf16"} or {"$":"repeat"}.
Result<std::string> to_text(const OrderedJson& value);
// base64, or {prefix, unit, count, suffix}.
Result<Buffer> to_bytes(const OrderedJson& value);

OrderedJson from_any(const codec::Any& value);
// Long texts become length and hash, lone surrogates a list of units.
OrderedJson from_text(std::string_view wtf8);
// Long ones become length and hash.
OrderedJson from_bytes(Bytes bytes);
OrderedJson fingerprint(Bytes bytes);  // Length and hash.

// Equality without regard to the order of keys; numbers as doubles.
bool same(const OrderedJson& a, const OrderedJson& b);
// Where two values that are not same() part: "$.roots.t.delta[2]: 5 instead of 7", short enough for
// a line.
std::string difference(const OrderedJson& expected, const OrderedJson& got);
// The same for bytes written as base64 (or as length and hash).
std::string byte_difference(const OrderedJson& expected, Bytes got);

}  // namespace diaryx::compat
