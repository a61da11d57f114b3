// JSON as JavaScript reads and writes it: what ContentFormat, ContentEmbed, ContentJSON and
// awareness states are on the wire. JSON.stringify's rules: numbers in JavaScript's shortest form,
// integer-like object keys first and ascending, undefined members left out, lone surrogates escaped
// as \udXXX, no white space.
#pragma once

#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/codec/any.h"

namespace diaryx::codec {

// JSON.parse. Malformed, or LimitExceeded below kMaxAnyDepth. A key given twice keeps its first
// place and last value; "__proto__" is a key like any other. Differs from JSON.parse in one thing:
// a number beyond the range of a double (1e999) is Malformed, because the Infinity that JavaScript
// makes of it would be written back as null.
Result<Any> parse_js_json(std::string_view text);
// JSON.stringify. Undefined at the top gives "undefined", as Yjs writes it; NaN and infinities give
// null; octets give
// {"0":1,"1":2,…} like a Uint8Array. A BigInt, for which JavaScript throws, gives its digits.
std::string to_js_json(const Any& value);
// Number.prototype.toString: "1e+21", "0.1", "-0" → "0".
std::string js_number_to_string(double value);

}  // namespace diaryx::codec
