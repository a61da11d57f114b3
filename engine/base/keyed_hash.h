// Hashes for tables in memory whose keys come from outside. They depend on a secret that each
// process draws anew, so that nobody can choose keys that all fall into one slot. Nothing that is
// written or sent may depend on them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace diaryx {

// Sixteen octets a step are hidden by the secret, multiplied and folded. No choice of keys is known
// that collide whatever the secret is; who sees how long a look-up takes may learn of it.
std::uint64_t keyed_hash(std::string_view text) noexcept;

// Drawn before main() begins. Odd.
extern const std::uint64_t kHashSecret[2];

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
