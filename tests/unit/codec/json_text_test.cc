#include "engine/codec/json_text.h"

#include <cmath>
#include <limits>

#include <doctest/doctest.h>

#include "engine/codec/reader.h"
#include "tests/support/mutations.h"

using namespace diaryx;
using codec::Any;
using codec::AnyArray;
using codec::AnyObject;

namespace {

// What JavaScript writes after reading `text`.
std::string rewritten(std::string_view text) {
  const auto value = codec::parse_js_json(text);
  REQUIRE_MESSAGE(value, text);
  return codec::to_js_json(*value);
}

}  // namespace

TEST_SUITE("codec/json_text") {
  TEST_CASE("numbers are written in JavaScript's shortest form") {
    const std::pair<double, const char*> known[] = {
        {0, "0"},
        {-0.0, "0"},
        {1, "1"},
        {-1.5, "-1.5"},
        {0.1, "0.1"},
        {1e20, "100000000000000000000"},
        {1e21, "1e+21"},
        {123456789012345680000.0, "123456789012345680000"},
        {1.5e300, "1.5e+300"},
        {1e-6, "0.000001"},
        {1e-7, "1e-7"},
        {1.25e-7, "1.25e-7"},
        {9007199254740991.0, "9007199254740991"},
        {5e-324, "5e-324"},
        {1.7976931348623157e308, "1.7976931348623157e+308"},
        {12345.678, "12345.678"},
        {100, "100"},
        {4294967296.5, "4294967296.5"},
        {0.00001234, "0.00001234"}};
    for (const auto& [value, text] : known) CHECK(codec::js_number_to_string(value) == text);
    CHECK(codec::js_number_to_string(std::numeric_limits<double>::quiet_NaN()) == "NaN");
    CHECK(codec::js_number_to_string(-std::numeric_limits<double>::infinity()) == "-Infinity");
  }

  TEST_CASE("text is rewritten as JSON.stringify(JSON.parse(text)) would") {
    const std::pair<const char*, const char*> known[] = {
        {" { \"b\" : 1 , \"a\" : [ true , false , null ] } ", R"({"b":1,"a":[true,false,null]})"},
        {R"({"b":1,"2":2,"1":3,"b":4})", R"({"1":3,"2":2,"b":4})"},
        {R"("\u0041\/\u00e9\n\b\f\r\t\"\\\u0001")", "\"A/é\\n\\b\\f\\r\\t\\\"\\\\\\u0001\""},
        {R"("\ud83d\ude00")", "\"😀\""},
        {R"("\ud83d")", R"("\ud83d")"},
        {R"({"\uDE00x":"\ude00\ud83d"})", R"({"\ude00x":"\ude00\ud83d"})"},
        {"\"\x7F \xE2\x80\xA8\"", "\"\x7F \xE2\x80\xA8\""},
        {"1.0e3", "1000"},
        {"-0", "0"},
        {"1E-7", "1e-7"},
        {"1e-999", "0"},
        {"-1e-999", "0"},
        {"0.1e+1", "1"},
        {"123456789123456789", "123456789123456780"},
        {R"({"__proto__":{"a":1}})", R"({"__proto__":{"a":1}})"},
        {"[]", "[]"},
        {"{}", "{}"},
        {"\t[\n1\r]", "[1]"}};
    for (const auto& [before, after] : known) CHECK(rewritten(before) == after);
    const auto minus_zero = codec::parse_js_json("-0");
    REQUIRE(minus_zero);
    CHECK(*minus_zero == Any(-0.0));
  }

  TEST_CASE("what JSON cannot hold is written as JavaScript writes it") {
    CHECK(codec::to_js_json(Any()) == "undefined");
    CHECK(codec::to_js_json(AnyArray{Any(), std::nan("")}) == "[null,null]");
    CHECK(codec::to_js_json(AnyObject{{"a", Any()}, {"b", codec::Null{}}}) == R"({"b":null})");
    CHECK(codec::to_js_json(AnyObject{{"x", 1}, {"1", 2}}) == R"({"1":2,"x":1})");
    CHECK(codec::to_js_json(Buffer{7, 255}) == R"({"0":7,"1":255})");
    CHECK(codec::to_js_json(codec::BigInt{-9007199254740993}) == "-9007199254740993");
  }

  TEST_CASE("what JSON.parse refuses is refused") {
    for (const char* bad : {"",
                            " ",
                            "{",
                            "}",
                            "[",
                            "]",
                            "[1,]",
                            "[,1]",
                            "{\"a\":}",
                            "{\"a\"}",
                            "{a:1}",
                            "{'a':1}",
                            "{\"a\":1,}",
                            "01",
                            "-",
                            "+1",
                            "1.",
                            ".5",
                            "1e",
                            "1e+",
                            "0x10",
                            "nul",
                            "True",
                            "undefined",
                            "NaN",
                            "Infinity",
                            "\"",
                            "\"\\x\"",
                            "\"\\u12\"",
                            "\"\\u12g4\"",
                            "\"a\nb\"",
                            "\"\t\"",
                            "1 2",
                            "{\"a\":1}x",
                            "\xEF\xBB\xBF[]",
                            "\"\xFF\"",
                            "\"\xED\xA0\x80\"",
                            "[1 2]",
                            "{\"a\" 1}",
                            "\xC2\xA0 1"}) {
      const auto value = codec::parse_js_json(bad);
      CHECK_MESSAGE(!value, bad);
      if (!value) CHECK(value.error().code == ErrorCode::Malformed);
    }
    CHECK_FALSE(codec::parse_js_json(std::string_view("\0", 1)));
  }

  TEST_CASE("a number beyond a double is refused, one too small is zero") {
    for (const char* bad : {"1e999", "-1e999", "[1e309]", "1e99999999999999999999", "1000e308"}) {
      CHECK_FALSE(codec::parse_js_json(bad));
    }
    CHECK_FALSE(codec::parse_js_json(std::string(400, '9')));
    for (const char* tiny : {"1e-400", "0.0001e-330", "1e-99999999999999999999", "0e999"}) {
      CHECK(rewritten(tiny) == "0");
    }
    CHECK(rewritten("0." + std::string(400, '0') + "1") == "0");
    CHECK(rewritten("0." + std::string(400, '0') + "1e401") == "1");
  }

  TEST_CASE("JSON nests 512 deep and no deeper") {
    const auto nested = [](std::size_t depth) {
      return std::string(depth, '[') + "1" + std::string(depth, ']');
    };
    CHECK(rewritten(nested(codec::kMaxAnyDepth)) == nested(codec::kMaxAnyDepth));
    const auto deeper = codec::parse_js_json(nested(codec::kMaxAnyDepth + 1));
    REQUIRE_FALSE(deeper);
    CHECK(deeper.error().code == ErrorCode::LimitExceeded);
    CHECK_FALSE(codec::parse_js_json(std::string(1'000'000, '[')));
  }

  TEST_CASE("damaged text is refused or read, and what is read is written the same way again") {
    const std::string fixture =
        R"({"k":[1,-2.5e3,true,null,"a\u00e9\ud800\n"],"10":{"a":false},"é":"😀"})";
    test::for_each_truncation(as_bytes(fixture),
                              [](Bytes cut) { CHECK_FALSE(codec::parse_js_json(as_text(cut))); });
    test::for_each_octet_change(as_bytes(fixture), [](Bytes changed) {
      const auto value = codec::parse_js_json(as_text(changed));
      if (!value) return;
      const std::string once = codec::to_js_json(*value);
      const auto again = codec::parse_js_json(once);
      REQUIRE(again);
      CHECK(codec::to_js_json(*again) == once);
    });
  }
}
