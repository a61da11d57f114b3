#include "engine/codec/any.h"

#include <chrono>
#include <cmath>
#include <limits>

#include <doctest/doctest.h>

#include "engine/codec/reader.h"
#include "engine/codec/writer.h"
#include "tests/support/hex.h"
#include "tests/support/mutations.h"

using namespace diaryx;
using codec::Any;
using codec::AnyArray;
using codec::AnyObject;
using codec::Reader;
using codec::Writer;
using test::hex;

namespace {

Buffer encoded(const Any& value) {
  Buffer out;
  Writer(out).any(value);
  return out;
}

Result<Any> decoded(Bytes bytes) {
  Reader in(bytes);
  DX_TRY(Any value, in.any());
  if (!in.at_end()) return Error{ErrorCode::Malformed, "something follows"};
  return value;
}

}  // namespace

TEST_SUITE("codec/any") {
  TEST_CASE("every kind of value has the bytes that lib0 gives it") {
    const std::pair<Any, Buffer> known[] = {
        {Any(), hex("7f")},
        {codec::Null{}, hex("7e")},
        {true, hex("78")},
        {false, hex("79")},
        {0, hex("7d 00")},
        {-0.0, hex("7d 40")},
        {-1, hex("7d 41")},
        {2147483647.0, hex("7d bf ff ff ff 0f")},
        {-2147483648.0, hex("7c cf 00 00 00")},
        {2147483648.0, hex("7c 4f 00 00 00")},
        {0.5, hex("7c 3f 00 00 00")},
        {0.1, hex("7b 3f b9 99 99 99 99 99 9a")},
        {1.5e300, hex("7b 7e 41 eb 2d 66 00 58 35")},
        {std::numeric_limits<double>::quiet_NaN(), hex("7b 7f f8 00 00 00 00 00 00")},
        {-std::numeric_limits<double>::infinity(), hex("7c ff 80 00 00")},
        {codec::BigInt{-1}, hex("7a ff ff ff ff ff ff ff ff")},
        {"text", hex("77 04 \"text\"")},
        {hex("01 02 03"), hex("74 03 01 02 03")},
        {AnyArray{1, "a", codec::Null{}}, hex("75 03 7d 01 77 01 \"a\" 7e")},
        {AnyObject{{"k", AnyArray{1, codec::Null{}}}}, hex("76 01 01 \"k\" 75 02 7d 01 7e")},
    };
    for (const auto& [value, bytes] : known) {
      CHECK(encoded(value) == bytes);
      const auto back = decoded(bytes);
      REQUIRE(back);
      CHECK(*back == value);
    }
  }

  TEST_CASE("equality is that of bytes") {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    CHECK(Any(nan) == Any(nan));
    CHECK_FALSE(Any(0.0) == Any(-0.0));
    CHECK_FALSE(Any() == Any(codec::Null{}));
    CHECK_FALSE(Any(1) == Any(codec::BigInt{1}));
    CHECK_FALSE(Any(AnyObject{{"a", 1}, {"b", 2}}) == Any(AnyObject{{"b", 2}, {"a", 1}}));
    CHECK(Any(AnyArray{nan}) == Any(AnyArray{nan}));
  }

  TEST_CASE("find looks a key up in an object and in nothing else") {
    const Any object = AnyObject{{"a", 1}, {"b", "x"}};
    REQUIRE(object.find("b") != nullptr);
    CHECK(*object.find("b") == Any("x"));
    CHECK(object.find("c") == nullptr);
    CHECK(Any(7).find("a") == nullptr);
  }

  TEST_CASE("objects come and go in JavaScript's key order") {
    // {"b":1,"10":2,"a":3,"9":4} as assignments, then "b" once more.
    const auto read = decoded(hex(
        "76 05 01 \"b\" 7d 01  02 \"10\" 7d 02  01 \"a\" 7d 03  01 \"9\" 7d 04  01 \"b\" 7d 05"));
    REQUIRE(read);
    CHECK(*read == Any(AnyObject{{"9", 4}, {"10", 2}, {"b", 5}, {"a", 3}}));
    CHECK(encoded(AnyObject{{"x", 1}, {"2", 2}, {"1", 3}}) ==
          hex("76 03 01 \"1\" 7d 03 01 \"2\" 7d 02 01 \"x\" 7d 01"));
  }

  TEST_CASE("a large object with repeated keys is put in order too") {
    AnyObject object;
    for (int round = 0; round < 3; ++round) {
      for (int i = 50; i > 0; --i) {
        object.emplace_back("k" + std::to_string(i), round);
        object.emplace_back(std::to_string(i), round);
      }
    }
    codec::normalise_keys(object);
    REQUIRE(object.size() == 100);
    CHECK(object[0].first == "1");
    CHECK(object[49].first == "50");
    CHECK(object[50].first == "k50");
    CHECK(object[99].first == "k1");
    for (const auto& [key, value] : object) CHECK(value == Any(2));
  }

  TEST_CASE("integer-like keys are the canonical decimals below 2^32 - 1") {
    for (const char* key : {"0", "7", "10", "4294967294"}) CHECK(codec::is_integer_like(key));
    for (const char* key :
         {"", "00", "07", "-1", "1.0", "4294967295", "9999999999", "12345678901", "a1", "1a"}) {
      CHECK_FALSE(codec::is_integer_like(key));
    }
  }

  TEST_CASE("assigning to __proto__ makes no property") {
    const auto read = decoded(hex("76 02 09 \"__proto__\" 7e 01 \"a\" 7d 01"));
    REQUIRE(read);
    CHECK(*read == Any(AnyObject{{"a", 1}}));
  }

  TEST_CASE("a lone surrogate is written as U+FFFD, in keys too") {
    CHECK(encoded("a\xED\xA0\x80") == hex("77 04 \"a\" ef bf bd"));
    CHECK(encoded(AnyObject{{"\xED\xB0\x80", true}}) == hex("76 01 03 ef bf bd 78"));
  }

  TEST_CASE("unknown tags and cut numbers are malformed") {
    for (const char* bad : {"", "73", "80", "00", "ff", "7c 00 00", "7b 00 00 00 00 00 00 00",
                            "7a 00", "7d", "75 02 7e", "76 01 01 \"k\"", "74 02 00", "77 01 ff"}) {
      const auto read = decoded(hex(bad));
      REQUIRE_FALSE(read);
      CHECK(read.error().code == ErrorCode::Malformed);
    }
  }

  TEST_CASE("a count that the input cannot hold fails at once, however it is nested") {
    const auto start = std::chrono::steady_clock::now();
    CHECK_FALSE(decoded(hex("75 80 94 eb dc 03")));  // 10^9 values.
    CHECK_FALSE(decoded(hex("76 80 94 eb dc 03")));
    CHECK_FALSE(decoded(hex("74 ff ff ff ff ff ff ff 0f")));
    Buffer nested;
    for (int i = 0; i < 500; ++i) {
      for (const std::uint8_t octet : hex("75 80 08")) nested.push_back(octet);
    }
    nested.resize(nested.size() + 1024, 0x75);
    CHECK_FALSE(decoded(nested));
    CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(1));
  }

  TEST_CASE("values nest 512 deep and no deeper") {
    for (const auto& [depth, allowed] :
         {std::pair{codec::kMaxAnyDepth, true}, {codec::kMaxAnyDepth + 1, false}}) {
      Buffer bytes;
      for (int i = 0; i < depth; ++i) {
        bytes.push_back(117);
        bytes.push_back(1);
      }
      bytes.push_back(126);
      const auto read = decoded(bytes);
      CHECK(read.has_value() == allowed);
      if (read) CHECK(encoded(*read) == bytes);
      if (!read) CHECK(read.error().code == ErrorCode::LimitExceeded);
    }
    Buffer endless(200'000, 117);
    CHECK_FALSE(decoded(endless));
  }

  TEST_CASE("a damaged value is refused or read, and what is read is written the same way again") {
    const Buffer fixture =
        hex("76 04 01 \"k\" 75 05 7d 81 02 7c 3f 00 00 00 7b 3f b9 99 99 99 99 99 9a 7a 00 00 00 "
            "00 00 00 00 05 7f"
            " 01 \"2\" 77 05 \"h\" c3 a9 \"yo\" 01 \"1\" 74 02 ff 00 01 \"z\" 76 01 00 79");
    REQUIRE(decoded(fixture));
    test::for_each_truncation(fixture, [](Bytes cut) { CHECK_FALSE(decoded(cut)); });
    test::for_each_octet_change(fixture, [](Bytes changed) {
      Reader in(changed);
      const auto read = in.any();
      if (!read) {
        CHECK(in.position() == 0);
        return;
      }
      const Buffer once = encoded(*read);
      const auto again = decoded(once);
      REQUIRE(again);
      CHECK(*again == *read);
      CHECK(encoded(*again) == once);
    });
  }
}
