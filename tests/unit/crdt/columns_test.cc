// The columns of update v2, read and written in a hurry, beside the plain way (plain_columns.h).
#include "engine/crdt/wire/columns.h"

#include <algorithm>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "engine/base/random.h"
#include "tests/support/plain_columns.h"

namespace diaryx::crdt {
namespace {

// Runs of any length, of small numbers and large ones.
std::vector<std::uint64_t> make_values(Random& random, std::uint64_t largest) {
  std::vector<std::uint64_t> values;
  const std::uint64_t runs = random.below(60);
  for (std::uint64_t run = 0; run < runs; ++run) {
    const std::uint64_t limits[] = {2, 64, 5000, 1U << 30U, largest};
    const std::uint64_t value = random.below(std::min(limits[random.below(5)], largest) + 1);
    const std::uint64_t lengths[] = {1, 2, 3, 130, 400};
    const std::uint64_t length = 1 + random.below(lengths[random.below(5)]);
    const std::uint64_t step = random.below(3);
    for (std::uint64_t i = 0; i < length; ++i)
      values.push_back(std::min(value + i * step, largest));
  }
  return values;
}

// Reads `count` values and one more, which must fail (`ends`), by either way as chance has it.
template <class Reader, class Careful>
void compare(Random& random, Bytes column, std::size_t count, bool ends) {
  Reader quick(column);
  Careful careful(column);
  for (std::size_t i = 0; i < count; ++i) {
    const auto value = random.below(4) == 0 ? quick.next_steady() : quick.next();
    const auto expected = careful.next();
    REQUIRE(expected);
    REQUIRE(value == *expected);
    REQUIRE_FALSE(quick.failed());
  }
  if (!ends) return;
  (void)quick.next();
  CHECK(quick.failed());
}

}  // namespace

TEST_SUITE("crdt/columns") {
  TEST_CASE("reading without branches gives what reading with care does") {
    SeededRandom random(11);
    for (int round = 0; round < 300; ++round) {
      const std::vector<std::uint64_t> values = make_values(random, kMaxClock);
      UintColumnWriter uints;
      DiffColumnWriter diffs;
      for (const std::uint64_t value : values) {
        uints.write(value);
        diffs.write(value);
      }
      compare<UintColumnReader, test::UintOptRleReader>(random, uints.finish(), values.size(),
                                                        true);
      compare<DiffColumnReader, test::IntDiffOptRleReader>(random, diffs.finish(), values.size(),
                                                           true);
      const std::vector<std::uint64_t> small = make_values(random, 255);
      OctetColumnWriter octets;
      for (const std::uint64_t value : small) octets.write(static_cast<std::uint8_t>(value));
      compare<OctetColumnReader, test::RleUint8Reader>(random, octets.finish(), small.size(),
                                                       small.empty());
    }
  }

  TEST_CASE("what is written is what the plain way writes, of either sign and any text") {
    SeededRandom random(12);
    for (int round = 0; round < 200; ++round) {
      UintColumnWriter uints;
      test::UintOptRleWriter plain_uints;
      DiffColumnWriter diffs;
      test::IntDiffOptRleWriter plain_diffs;
      std::vector<std::int64_t> values;
      for (const std::uint64_t value : make_values(random, kMaxClock)) {
        values.push_back(static_cast<std::int64_t>(value) * (random.below(3) == 0 ? -1 : 1));
        uints.write(value);
        plain_uints.write(value);
        diffs.write_signed(values.back());
        plain_diffs.write(values.back());
      }
      const Buffer column = plain_diffs.finish();
      REQUIRE(std::ranges::equal(uints.finish(), plain_uints.finish()));
      REQUIRE(std::ranges::equal(diffs.finish(), column));
      compare<SignedDiffColumnReader, test::IntDiffOptRleReader>(random, column, values.size(),
                                                                 true);
      // Clocks are never below 0.
      DiffColumnReader clocks(column);
      for (const std::int64_t value : values) {
        const std::uint64_t clock = clocks.next();
        REQUIRE(clocks.failed() == (value < 0));
        if (value < 0) break;
        REQUIRE(clock == static_cast<std::uint64_t>(value));
      }

      StringColumnWriter strings;
      test::StringColumnWriter plain_strings;
      std::vector<std::string> texts(random.below(20));
      for (std::string& text : texts) {
        const std::string_view parts[] = {"",           "abc",          "\u00fc",
                                          "\U0001F600", "\xED\xA0\xBD", "\xED\xB8\x80"};
        for (std::uint64_t i = random.below(4); i > 0; --i) text += parts[random.below(6)];
        strings.write(text, measure(text).flags);
        plain_strings.write(text);
      }
      const Buffer joined = plain_strings.finish();
      REQUIRE(std::ranges::equal(strings.finish(), joined));
      StringColumnReader quick(joined);
      auto plain = test::StringColumnReader::open(joined);
      REQUIRE(plain);
      for (std::size_t i = 0; i < texts.size(); ++i) {
        bool lasting = false;
        REQUIRE(quick.next(lasting) == plain->next().value());
      }
    }
  }

  TEST_CASE("an octet that was looked at is there once more") {
    OctetColumnWriter writer;
    for (int i = 0; i < 40; ++i) writer.write(static_cast<std::uint8_t>(i / 2));
    OctetColumnReader reader(writer.finish());
    for (int i = 0; i < 40; ++i) {
      CHECK(reader.next() == i / 2);
      reader.put_back();
      REQUIRE(reader.next() == i / 2);
    }
  }

  TEST_CASE("numbers that are too large are refused, however much follows") {
    const Buffer column = {0xBF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F,
                           0,    0,    0,    0,    0,    0,    0,    0,    0,    0};
    UintColumnReader uints(column);
    (void)uints.next();
    CHECK(uints.failed());
    DiffColumnReader diffs(column);
    (void)diffs.next();
    CHECK(diffs.failed());
    // The greatest difference there is, twice.
    DiffColumnWriter writer;
    writer.write(kMaxClock);
    const Bytes one = writer.finish();
    Buffer two(one.begin(), one.end());
    two.insert(two.end(), one.begin(), one.end());
    two.resize(40, 0);
    DiffColumnReader reader(two);
    CHECK(reader.next() == kMaxClock);
    CHECK_FALSE(reader.failed());
    (void)reader.next();
    CHECK(reader.failed());
  }
}

}  // namespace diaryx::crdt
