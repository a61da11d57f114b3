#include "engine/base/keyed_hash.h"

#include <set>
#include <string>

#include <doctest/doctest.h>

using namespace diaryx;

TEST_SUITE("base/keyed_hash") {
  TEST_CASE("texts that are alike have different hashes, whatever their length") {
    std::set<std::uint64_t> hashes;
    std::size_t texts = 0;
    for (std::size_t length = 0; length < 70; ++length) {
      std::string text(length, 'a');
      hashes.insert(keyed_hash(text));
      ++texts;
      for (std::size_t i = 0; i < length; ++i) {
        for (const char other : {'\0', 'b', '\xE1'}) {
          text[i] = other;
          hashes.insert(keyed_hash(text));
          ++texts;
        }
        text[i] = 'a';
      }
    }
    CHECK(hashes.size() == texts);
  }

  TEST_CASE("numbers in a row, or with all low bits alike, spread over the slots of a table") {
    constexpr std::size_t kNumbers = 4096;
    for (unsigned shift = 0; shift < 52; ++shift) {
      std::set<std::uint64_t> slots;
      for (std::uint64_t i = 0; i < kNumbers; ++i)
        slots.insert(keyed_hash(i << (shift % 41U)) % (2 * kNumbers));
      // Chance fills about 39 % of twice as many slots.
      CHECK(slots.size() > kNumbers / 2);
    }
  }
}
