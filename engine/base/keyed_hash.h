// Hashes for tables in memory whose keys come from outside. They depend on a secret that each
// process draws anew, so that nobody can choose keys that all fall into one slot. Nothing that is
// written or sent may depend on them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace diaryx {

// Drawn before main() begins. Odd.
extern const std::uint64_t kHashSecret[2];

namespace keyed_hash_parts {

// The two halves of the product: each bit of either factor gets into all of the result.
inline std::uint64_t fold(std::uint64_t a, std::uint64_t b) noexcept {
  __extension__ using Wide = unsigned __int128;
  const Wide product = Wide{a} * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64U);
}

template <class Word>
std::uint64_t word_at(const char* at) noexcept {
  Word word = 0;
  std::memcpy(&word, at, sizeof word);
  return word;
}

// `hash`, and 1 to 16 octets at `at`. Two words that may overlap hold all of them: no length is
// copied that is not known beforehand.
inline std::uint64_t add_last(std::uint64_t hash, const char* at, std::size_t count) noexcept {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  if (count >= 8) {
    first = word_at<std::uint64_t>(at);
    last = word_at<std::uint64_t>(at + count - 8);
  } else if (count >= 4) {
    first = word_at<std::uint32_t>(at);
    last = word_at<std::uint32_t>(at + count - 4);
  } else {
    first = word_at<std::uint8_t>(at) << 8U | word_at<std::uint8_t>(at + count / 2);
    last = word_at<std::uint8_t>(at + count - 1);
  }
  return fold(first ^ kHashSecret[0], last ^ hash);
}

std::uint64_t long_hash(std::string_view text) noexcept;

}  // namespace keyed_hash_parts

// Sixteen octets a step are hidden by the secret, multiplied and folded. No choice of keys is known
// that collide whatever the secret is; who sees how long a look-up takes may learn of it.
inline std::uint64_t keyed_hash(std::string_view text) noexcept {
  using namespace keyed_hash_parts;
  if (text.size() > 16) return long_hash(text);
  const std::uint64_t hash =
      text.empty() ? kHashSecret[1] : add_last(kHashSecret[1], text.data(), text.size());
  return fold(hash ^ text.size(), kHashSecret[0]);
}

// For numbers. The two halves of the secret one after the other: enough where a table has not
// nearly as many slots as there are numbers, and a fraction of SipHash's time.
inline std::uint64_t keyed_hash(std::uint64_t number) noexcept {
  std::uint64_t mixed = (number + kHashSecret[0]) * kHashSecret[1];
  mixed ^= mixed >> 32U;
  mixed *= kHashSecret[0];
  return mixed ^ (mixed >> 29U);
}

// For std::unordered_map and its like.
struct KeyedHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const noexcept {
    return static_cast<std::size_t>(keyed_hash(text));
  }
  std::size_t operator()(std::uint64_t number) const noexcept {
    return static_cast<std::size_t>(keyed_hash(number));
  }
};

}  // namespace diaryx
