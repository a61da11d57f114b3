// Bytes written the way the documents write them: "00 01 0a", quoted runs are ASCII: 0b "body" 00.
#pragma once

#include <string_view>

#include "engine/base/bytes.h"

namespace diaryx::test {
// Aborts on anything that is neither hex, white space nor a quoted ASCII run.
Buffer hex(std::string_view text);
}  // namespace diaryx::test
