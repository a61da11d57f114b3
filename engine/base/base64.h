// Octets as text: base64 and hexadecimal. No library behind it, so that the CRDT's tests run where
// no other is.
#pragma once

#include <string>
#include <string_view>

#include "engine/base/bytes.h"
#include "engine/base/result.h"

namespace diaryx {

// Lower-case hexadecimal, two characters an octet.
std::string to_hex(Bytes bytes);
// Standard alphabet, padded, no line breaks.
std::string to_base64(Bytes bytes);
// Strict: standard alphabet, padded; anything else is Malformed.
Result<Buffer> from_base64(std::string_view text);

}  // namespace diaryx
