#include "tests/support/environment.h"

#include <cstdlib>

namespace diaryx::test {

std::uint64_t number_from(const char* name, std::uint64_t fallback) {
  const char* text = std::getenv(name);
  return text == nullptr ? fallback : std::strtoull(text, nullptr, 10);
}

}  // namespace diaryx::test
