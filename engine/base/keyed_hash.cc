#include "engine/base/keyed_hash.h"

#include <cstring>
#include <random>

namespace diaryx {
namespace {

std::uint64_t draw() {
  std::random_device device;
  return std::uint64_t{device()} << 32U | device() | 1U;
}

// The two halves of the product: each bit of either factor gets into all of the result.
std::uint64_t fold(std::uint64_t a, std::uint64_t b) noexcept {
  __extension__ using Wide = unsigned __int128;
  const Wide product = Wide{a} * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64U);
}

std::uint64_t word_at(std::string_view text, std::size_t at, std::size_t octets) noexcept {
  std::uint64_t word = 0;
  std::memcpy(&word, text.data() + at, octets);
  return word;
}

}  // namespace

const std::uint64_t kHashSecret[2] = {draw(), draw()};

std::uint64_t keyed_hash(std::string_view text) noexcept {
  const std::uint64_t first = kHashSecret[0];
  std::uint64_t hash = kHashSecret[1];
  std::size_t at = 0;
  for (; text.size() - at > 16; at += 16)
    hash = fold(word_at(text, at, 8) ^ first, word_at(text, at + 8, 8) ^ hash);
  const std::size_t left = text.size() - at;
  if (left > 8) {
    hash = fold(word_at(text, at, 8) ^ first, word_at(text, at + 8, left - 8) ^ hash);
  } else if (left == 8) {
    hash = fold(word_at(text, at, 8) ^ first, hash);
  } else if (left > 0) {
    hash = fold(word_at(text, at, left) ^ first, hash);
  }
  return fold(hash ^ text.size(), first);
}

}  // namespace diaryx
