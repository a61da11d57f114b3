#include "engine/codec/wtf8.h"

#include <doctest/doctest.h>

#include "engine/base/utf.h"

using namespace diaryx;

TEST_SUITE("codec/wtf8") {
  TEST_CASE("surrogates are told from the characters beside them") {
    CHECK(codec::has_lone_surrogate("\xED\xA0\x80"));
    CHECK(codec::has_lone_surrogate("a\xED\xBF\xBFz"));
    CHECK_FALSE(codec::has_lone_surrogate("\xED\x9F\xBF\xEE\x80\x80 😀"));
    CHECK_FALSE(codec::has_lone_surrogate(""));
    CHECK(codec::replace_lone_surrogates("a\xED\xA0\x80\xED\xA0\x80z") ==
          "a\xEF\xBF\xBD\xEF\xBF\xBDz");
    CHECK(codec::replace_lone_surrogates("\xED\x9F\xBF😀") == "\xED\x9F\xBF😀");
  }
  TEST_CASE("two halves that meet become one character") {
    std::string text = "x";
    codec::append_utf16_unit(text, 0xD83D);
    CHECK(text == "x\xED\xA0\xBD");
    codec::append_utf16_unit(text, 0xDE00);
    CHECK(text == "x😀");
    codec::append_utf16_unit(text, 0xDE00);
    codec::append_utf16_unit(text, 0xDE00);
    CHECK(text == "x😀\xED\xB8\x80\xED\xB8\x80");
    text.resize(text.size() - 3);
    codec::append_utf16_unit(text, 0xD83D);
    CHECK(text == "x😀\xED\xB8\x80\xED\xA0\xBD");
    codec::append_wtf8(text, "\xED\xB8\x80!");
    CHECK(text == "x😀\xED\xB8\x80😀!");
    codec::append_wtf8(text, "\xED\xB8\x80");
    CHECK(text == "x😀\xED\xB8\x80😀!\xED\xB8\x80");
  }
  TEST_CASE("UTF-16 lengths and conversions hold for surrogates") {
    CHECK(utf16_length("a\xED\xA0\x80z") == 3);
    CHECK(utf8_to_utf16("\xED\xA0\x80") == std::u16string{0xD800});
  }
}
