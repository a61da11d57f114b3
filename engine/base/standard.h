// What C++20's library has and that of emscripten 3.1 (Debian 12's) has not: the same names in our
// namespace.
#pragma once

#include <cstddef>
#include <memory>
#include <type_traits>

namespace diaryx {

// std::bit_cast
template <class To, class From>
requires(sizeof(To) == sizeof(From) && std::is_trivially_copyable_v<To> &&
         std::is_trivially_copyable_v<From>) constexpr To bit_cast(const From& from) noexcept {
  return __builtin_bit_cast(To, from);
}

// std::make_unique_for_overwrite, for arrays: what is in it is what was there.
template <class T>
requires(std::is_array_v<T>) std::unique_ptr<T> make_unique_for_overwrite(std::size_t count) {
  return std::unique_ptr<T>(new std::remove_extent_t<T>[count]);
}

}  // namespace diaryx
