#include "engine/base/keyed_hash.h"

#include <random>

namespace diaryx {
namespace {

std::uint64_t draw() {
  std::random_device device;
  return std::uint64_t{device()} << 32U | device() | 1U;
}

}  // namespace

const std::uint64_t kHashSecret[2] = {draw(), draw()};

std::uint64_t keyed_hash_parts::long_hash(std::string_view text) noexcept {
  std::uint64_t hash = kHashSecret[1];
  std::size_t at = 0;
  for (; text.size() - at > 16; at += 16) {
    hash = fold(word_at<std::uint64_t>(text.data() + at) ^ kHashSecret[0],
                word_at<std::uint64_t>(text.data() + at + 8) ^ hash);
  }
  hash = add_last(hash, text.data() + at, text.size() - at);
  return fold(hash ^ text.size(), kHashSecret[0]);
}

}  // namespace diaryx
