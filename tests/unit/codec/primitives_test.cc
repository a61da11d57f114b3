#include <tuple>
#include <utility>

#include <doctest/doctest.h>

#include "engine/codec/reader.h"
#include "engine/codec/writer.h"
#include "tests/support/hex.h"
#include "tests/support/mutations.h"

using namespace diaryx;
using codec::Reader;
using codec::Writer;
using test::hex;

TEST_SUITE("codec/primitives") {
  TEST_CASE("a varuint has seven bits an octet, the low ones first") {
    const std::pair<std::uint64_t, Buffer> known[] = {
        {0, hex("00")},
        {1, hex("01")},
        {127, hex("7f")},
        {128, hex("80 01")},
        {300, hex("ac 02")},
        {16383, hex("ff 7f")},
        {16384, hex("80 80 01")},
        {4294967295, hex("ff ff ff ff 0f")},
        {1099511627776, hex("80 80 80 80 80 20")},
        {codec::kMaxSafeInteger, hex("ff ff ff ff ff ff ff 0f")}};
    for (const auto& [value, bytes] : known) {
      Buffer out;
      Writer(out).var_uint(value);
      CHECK(out == bytes);
      Reader in(bytes);
      const auto back = in.var_uint();
      REQUIRE(back);
      CHECK(*back == value);
      CHECK(in.at_end());
    }
  }

  TEST_CASE("a varuint may be longer than needed, but not above 2^53 - 1") {
    for (const auto& [bytes, value] :
         {std::pair{hex("80 00"), 0U}, {hex("85 80 80 80 80 80 80 80 80 80 80 00"), 5U}}) {
      Reader in(bytes);
      const auto read = in.var_uint();
      REQUIRE(read);
      CHECK(*read == value);
      CHECK(in.at_end());
    }
    for (const char* bad : {"", "80", "ff ff ff ff ff ff ff 10", "80 80 80 80 80 80 80 80 01",
                            "ff ff ff ff ff ff ff ff ff 01", "80 80 80 80 80 80 80 80 80 02",
                            "80 80 80 80 80 80 80 80 80 80 80 01"}) {
      const Buffer bytes = hex(bad);
      Reader in(bytes);
      const auto read = in.var_uint();
      REQUIRE_FALSE(read);
      CHECK(read.error().code == ErrorCode::Malformed);
      CHECK(in.position() == 0);
      std::uint64_t value = 77;
      CHECK_FALSE(in.try_var_uint(value));
      CHECK(in.position() == 0);
    }
  }

  TEST_CASE("a varint has its sign in the first octet, and minus zero is a value") {
    const std::tuple<std::uint64_t, bool, Buffer> known[] = {
        {0, false, hex("00")},
        {0, true, hex("40")},
        {1, true, hex("41")},
        {63, false, hex("3f")},
        {64, false, hex("80 01")},
        {65, true, hex("c1 01")},
        {8191, true, hex("ff 7f")},
        {8192, false, hex("80 80 01")},
        {codec::kMaxSafeInteger, true, hex("ff ff ff ff ff ff ff 1f")}};
    for (const auto& [magnitude, negative, bytes] : known) {
      Buffer out;
      Writer(out).var_int(magnitude, negative);
      CHECK(out == bytes);
      Reader in(bytes);
      const auto back = in.var_int();
      REQUIRE(back);
      CHECK(back->magnitude == magnitude);
      CHECK(back->negative == negative);
      CHECK(in.at_end());
    }
    for (const char* bad : {"", "80", "c0", "ff ff ff ff ff ff ff 3f"}) {
      const Buffer bytes = hex(bad);
      Reader in(bytes);
      CHECK_FALSE(in.var_int());
      CHECK(in.position() == 0);
    }
    const Buffer padded = hex("c0 00");
    Reader in(padded);
    const auto zero = in.var_int();
    REQUIRE(zero);
    CHECK(zero->magnitude == 0);
    CHECK(zero->negative);
  }

  TEST_CASE("text is checked to be UTF-8, lengths to be there") {
    const Buffer good = hex("06 e6 bc a2 e5 ad 97");
    Reader in(good);
    const auto text = in.var_string();
    REQUIRE(text);
    CHECK(*text == "漢字");
    for (const char* bad :
         {"03 41", "02 c3 28", "03 ed a0 80", "04 f4 90 80 80", "ff ff ff ff 0f 41", "", "80"}) {
      const Buffer bytes = hex(bad);
      Reader broken(bytes);
      const auto read = broken.var_string();
      REQUIRE_FALSE(read);
      CHECK(read.error().code == ErrorCode::Malformed);
      CHECK(broken.position() == 0);
      std::string_view view;
      CHECK_FALSE(broken.try_var_string(view));
      CHECK(broken.position() == 0);
    }
  }

  TEST_CASE("octets and fixed lengths stop at the end of the input") {
    const Buffer bytes = hex("02 aa bb cc");
    Reader in(bytes);
    const auto run = in.var_bytes();
    REQUIRE(run);
    CHECK(to_buffer(*run) == hex("aa bb"));
    CHECK(in.remaining() == 1);
    CHECK_FALSE(in.bytes(2));
    CHECK_FALSE(in.utf8(1));
    REQUIRE(in.u8());
    CHECK(in.at_end());
    CHECK_FALSE(in.u8());
    CHECK(in.bytes(0));
    CHECK(in.rest().empty());
    const Buffer lying = hex("03 aa bb");
    CHECK_FALSE(Reader(lying).var_bytes());
  }
}
