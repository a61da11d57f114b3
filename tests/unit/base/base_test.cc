#include <doctest/doctest.h>

#include "engine/base/hash.h"
#include "engine/base/json.h"
#include "engine/base/random.h"
#include "engine/base/utf.h"

using namespace diaryx;

TEST_SUITE("base/utf") {
  TEST_CASE("UTF-16 lengths count characters above U+FFFF twice") {
    CHECK(utf16_length("") == 0);
    CHECK(utf16_length("Hi é😀") == 6);
    CHECK(utf8_to_utf16("é😀").size() == 3);
    CHECK(utf16_to_utf8(utf8_to_utf16("Hi é😀")) == "Hi é😀");
  }
  TEST_CASE("… wherever they stand in a word of eight octets, and whatever the octets are") {
    SeededRandom random(5);
    for (int round = 0; round < 2'000; ++round) {
      std::string text;
      std::size_t units = 0;
      for (std::uint64_t i = random.below(60); i > 0; --i) {
        const char c = static_cast<char>(random.below(4) == 0 ? random.below(256) : 'a');
        text.push_back(c);
        const auto octet = static_cast<unsigned char>(c);
        units += ((octet & 0xC0U) != 0x80U ? 1U : 0U) + (octet >= 0xF0U ? 1U : 0U);
      }
      REQUIRE(utf16_length(text) == units);
    }
  }
  TEST_CASE("an offset between the halves of a surrogate pair says so") {
    CHECK(utf8_offset("a😀b", 1).bytes == 1);
    CHECK(utf8_offset("a😀b", 2).inside_surrogates);
    CHECK(utf8_offset("a😀b", 2).bytes == 1);
    CHECK(utf8_offset("a😀b", 3).bytes == 5);
    CHECK(utf8_offset("a😀b", 99).bytes == 6);
  }
  TEST_CASE("overlong forms, surrogates and truncated characters are no UTF-8") {
    for (const char* bad : {"\xC0\x80", "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xC3",
                            "a\x80", "\xFF"}) {
      CHECK_FALSE(is_utf8(bad));
    }
    CHECK(is_utf8("Grüße, 世界 😀 and sixteen plain letters"));
  }
  TEST_CASE("lone surrogates become U+FFFD") {
    CHECK(utf16_to_utf8(std::u16string{0xD83D}) == "\xEF\xBF\xBD");
    CHECK(replace_invalid_utf8("a\xFFz") == "a\xEF\xBF\xBDz");
  }
}

TEST_SUITE("base/hash") {
  TEST_CASE("base64 round-trips and refuses what is not base64") {
    for (const char* text : {"", "a", "ab", "abc", "abcd"}) {
      const auto back = from_base64(to_base64(as_bytes(text)));
      REQUIRE(back);
      CHECK(as_text(*back) == text);
    }
    CHECK(to_base64(as_bytes("foob")) == "Zm9vYg==");
    CHECK(to_base64(as_bytes("fooba")) == "Zm9vYmE=");
    CHECK(to_base64(as_bytes("foobar")) == "Zm9vYmFy");
    CHECK(to_base64(Buffer{0xFB, 0xFF, 0xBE}) == "+/++");
    CHECK(from_base64("+/++").value() == Buffer{0xFB, 0xFF, 0xBE});
    CHECK_FALSE(from_base64("Zm=v"));
    CHECK_FALSE(from_base64("abc"));
    CHECK_FALSE(from_base64("ab!="));
    CHECK_FALSE(from_base64("===="));
  }
  TEST_CASE("sha256 of the empty text is the published one") {
    CHECK(to_hex(sha256({})) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  }
}

TEST_SUITE("base/json") {
  TEST_CASE("bad JSON is an error, deep JSON is an error, bad UTF-8 is replaced") {
    CHECK_FALSE(parse_json("{"));
    const auto deep = parse_json(std::string(100'000, '['));
    REQUIRE_FALSE(deep);
    CHECK(dump_json(Json("\xFF")) == "\"\xEF\xBF\xBD\"");
    REQUIRE(parse_json("{\"a\":[1,2]}"));
  }
}

TEST_SUITE("base/random") {
  TEST_CASE("a seed gives the same sequence, client ids fit 32 bits") {
    SeededRandom a(7);
    SeededRandom b(7);
    for (int i = 0; i < 1000; ++i) {
      const std::uint64_t id = a.client_id();
      CHECK(id == b.client_id());
      CHECK(id >= 1);
      CHECK(id <= 0xffff'ffffU);
    }
  }
}
