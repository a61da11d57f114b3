#include "engine/base/random.h"

#include <sys/random.h>

#include "engine/base/check.h"

namespace diaryx {

std::uint64_t Random::below(std::uint64_t bound) {
  DX_CHECK(bound > 0);
  // Values from the incomplete last block would favour small results: draw again.
  const std::uint64_t limit = UINT64_MAX - UINT64_MAX % bound;
  std::uint64_t value = next();
  while (value >= limit) value = next();
  return value % bound;
}

std::uint64_t Random::client_id() {
  return 1 + below(0xffff'ffffU);
}

std::string Random::text(std::size_t length, std::string_view alphabet) {
  std::string result(length, ' ');
  for (char& c : result) c = alphabet[below(alphabet.size())];
  return result;
}

std::uint64_t SystemRandom::next() {
  std::uint64_t value = 0;
  const ssize_t got = getrandom(&value, sizeof value, 0);
  DX_CHECK(got == static_cast<ssize_t>(sizeof value));
  return value;
}

std::uint64_t SeededRandom::next() {
  std::uint64_t z = (state_ += 0x9e3779b97f4a7c15U);
  z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
  z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
  return z ^ (z >> 31U);
}

}  // namespace diaryx
