// What the person who runs a test says by its environment.
#pragma once

#include <cstdint>

namespace diaryx::test {

// The number that the variable holds; `fallback` if it is not set.
std::uint64_t number_from(const char* name, std::uint64_t fallback);

}  // namespace diaryx::test
