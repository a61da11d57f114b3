#include "tests/support/plain_columns.h"

#include <doctest/doctest.h>

#include "tests/support/hex.h"
#include "tests/support/mutations.h"

using namespace diaryx;
using namespace diaryx::test;
using codec::kMaxSafeInteger;

namespace {

template <class ColumnWriter, class Value>
Buffer column(const std::vector<Value>& values) {
  ColumnWriter writer;
  for (const Value& value : values) writer.write(value);
  return writer.finish();
}

template <class ColumnReader, class Value>
void check_reads(Bytes bytes, const std::vector<Value>& values) {
  ColumnReader reader(bytes);
  for (const Value& value : values) {
    const auto read = reader.next();
    REQUIRE(read);
    CHECK(*read == value);
  }
}

}  // namespace

TEST_SUITE("support/plain_columns") {
  TEST_CASE("uintOptRle gives a run its length behind a negative value") {
    const std::pair<std::vector<std::uint64_t>, Buffer> known[] = {
        {{}, {}},
        {{0}, hex("00")},
        {{0, 0}, hex("40 00")},
        {{5, 5, 5, 1}, hex("45 01 01")},
        {{1, 0, 0, 2, 2}, hex("01 40 00 42 00")},
        {{4294967295, 4294967295, kMaxSafeInteger},
         hex("ff ff ff ff 1f 00 bf ff ff ff ff ff ff 1f")}};
    for (const auto& [values, bytes] : known) {
      CHECK(column<UintOptRleWriter>(values) == bytes);
      check_reads<UintOptRleReader>(bytes, values);
    }
    UintOptRleReader empty(Bytes{});
    CHECK_FALSE(empty.next());
  }

  TEST_CASE("intDiffOptRle counts runs of equal differences") {
    const std::pair<std::vector<std::int64_t>, Buffer> known[] = {
        {{}, {}},
        {{0}, hex("00")},
        {{0, 0, 0, 0, 0}, hex("01 03")},
        {{0, 1, 2, 3, 4}, hex("00 03 02")},
        {{5, 5, 5, 1}, hex("0a 01 00 48")},
        {{10, 9, 8, 7}, hex("14 41 01")},
        {{1000000, 0, 1000000}, hex("80 92 f4 01 c0 92 f4 01 80 92 f4 01")}};
    for (const auto& [values, bytes] : known) {
      CHECK(column<IntDiffOptRleWriter>(values) == bytes);
      check_reads<IntDiffOptRleReader>(bytes, values);
    }
    const auto far = static_cast<std::int64_t>(kMaxSafeInteger);
    const std::vector<std::int64_t> extremes{far, 0, far, far, -far, far};
    check_reads<IntDiffOptRleReader>(column<IntDiffOptRleWriter>(extremes), extremes);
  }

  TEST_CASE("differences that leave the safe integers are refused") {
    // 2^53 - 1, then a run of + 1.
    IntDiffOptRleWriter writer;
    writer.write(static_cast<std::int64_t>(kMaxSafeInteger));
    Buffer bytes = writer.finish();
    for (const std::uint8_t octet : hex("03 00")) bytes.push_back(octet);
    IntDiffOptRleReader reader(bytes);
    CHECK(reader.next());
    const auto beyond = reader.next();
    REQUIRE_FALSE(beyond);
    CHECK(beyond.error().code == ErrorCode::Malformed);
  }

  TEST_CASE("rleUint8 repeats its last octet for ever") {
    const std::pair<std::vector<std::uint8_t>, Buffer> known[] = {
        {{}, {}},
        {{0, 0, 0}, hex("00")},
        {{1, 2, 3}, hex("01 00 02 00 03")},
        {{5, 5, 5, 1}, hex("05 02 01")},
        {{255, 255}, hex("ff")}};
    for (const auto& [values, bytes] : known) {
      CHECK(column<RleUint8Writer>(values) == bytes);
      check_reads<RleUint8Reader>(bytes, values);
    }
    const Buffer one = hex("07");
    RleUint8Reader reader(one);
    for (int i = 0; i < 1000; ++i) CHECK(reader.next().value_or(0) == 7);
    RleUint8Reader empty(Bytes{});
    CHECK_FALSE(empty.next());
  }

  TEST_CASE("the string column joins its texts, also halves of one character") {
    const std::pair<std::vector<std::string>, Buffer> known[] = {
        {{}, hex("00")},
        {{""}, hex("00 00")},
        {{"a", "b", "c"}, hex("03 \"abc\" 41 01")},
        {{"", "", "x"}, hex("01 \"x\" 40 00 01")},
        {{"é", "😀", "漢字"}, hex("0c c3 a9 f0 9f 98 80 e6 bc a2 e5 ad 97 01 42 00")},
        {{"\xED\xA0\xBD", "\xED\xB8\x80"}, hex("04 f0 9f 98 80 41 00")},
        {{"a\xED\xA0\xBD", "", "\xED\xB8\x80z"}, hex("06 \"a\" f0 9f 98 80 \"z\" 02 00 02")}};
    for (const auto& [values, bytes] : known) {
      CHECK(column<StringColumnWriter>(values) == bytes);
      auto reader = StringColumnReader::open(bytes);
      REQUIRE(reader);
      for (const std::string& value : values) {
        const auto read = reader->next();
        REQUIRE(read);
        CHECK(*read == value);
      }
      CHECK_FALSE(reader->next());
    }
    // A lone surrogate that finds no other half is lost, as in JavaScript.
    CHECK(column<StringColumnWriter>(std::vector<std::string>{"\xED\xA0\xBD"}) ==
          hex("03 ef bf bd 01"));
  }

  TEST_CASE("a string column that promises more text than it has is refused") {
    for (const char* bad : {"", "02 \"a\"", "01 ff 01"})
      CHECK_FALSE(StringColumnReader::open(hex(bad)));
    for (const char* bad :
         {"01 \"a\" 02", "02 c3 a9 02", "04 f0 9f 98 80 03", "00 bf ff ff ff ff ff ff 1f"}) {
      const Buffer bytes = hex(bad);
      auto reader = StringColumnReader::open(bytes);
      REQUIRE(reader);
      CHECK_FALSE(reader->next());
    }
  }

  TEST_CASE("damaged columns end in an error or a value, never behind their end") {
    const auto read_some = [](Bytes bytes) {
      UintOptRleReader uints(bytes);
      IntDiffOptRleReader differences(bytes);
      RleUint8Reader octets(bytes);
      auto strings = StringColumnReader::open(bytes);
      for (int i = 0; i < 50; ++i) {
        const auto value = uints.next();
        if (value && *value > kMaxSafeInteger) FAIL("beyond 2^53 - 1");
        const auto difference = differences.next();
        if (difference && *difference > static_cast<std::int64_t>(kMaxSafeInteger))
          FAIL("beyond 2^53 - 1");
        if (octets.next() && bytes.empty()) FAIL("a value out of nothing");
        if (strings) (void)strings->next();  // Only that it stays inside.
      }
    };
    for (const Buffer& fixture : {hex("45 01 80 02 41 7f"), hex("80 92 f4 01 c1 92 f4 01 03"),
                                  hex("06 \"a\" f0 9f 98 80 \"z\" 02 40 00 02")}) {
      test::for_each_truncation(fixture, read_some);
      test::for_each_octet_change(fixture, read_some);
    }
  }
}
