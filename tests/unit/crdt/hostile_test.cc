// Updates from outside, cut, flipped and lying: refused without a trace, or accepted with a sound
// document.
#include <doctest/doctest.h>

#include "engine/base/hash.h"
#include "engine/crdt/doc.h"
#include "engine/crdt/update.h"
#include "tests/support/hex.h"
#include "tests/support/mutations.h"

using namespace diaryx;
using namespace diaryx::crdt;

namespace {

Buffer rich_update(bool v2) {
  Doc doc({.client_id = 300});
  Text text = doc.text("t");
  text.insert(0, "héllo wörld 😀");
  text.erase(3, 2);
  text.format(1, 4, {{"bold", true}, {"link", codec::AnyObject{{"href", "x"}}}});
  text.insert_embed(2, codec::AnyObject{{"image", "y"}});
  Map map = doc.map("m");
  map.set("any", codec::AnyObject{{"a", codec::AnyArray{1, 2.5, "s", true, codec::Null{}}}});
  map.set("octets", Buffer{1, 2, 3});
  map.set_document("doc", {"guid", {{"autoLoad", true}}});
  Array list(map.set_type("list", TypeKind::Array));
  list.insert(0, {1, 2, 3});
  list.insert_type(1, NewType{TypeKind::XmlElement, "p", [](TypeRef p) { Map(p).set("id", "1"); }});
  list.erase(0, 1);
  map.erase("octets");
  Doc other({.client_id = 7});
  CHECK(other.apply_update(doc.encode_state_as_update()));
  other.text("t").insert(4, "between");
  return v2 ? other.encode_state_as_update_v2() : other.encode_state_as_update();
}

// Returns whether the update was accepted.
bool feed(Bytes update, bool v2) {
  Doc doc({.client_id = 1});
  doc.text("t").insert(0, "base");
  const Buffer before = doc.encode_state_as_update();
  const Status applied = v2 ? doc.apply_update_v2(update) : doc.apply_update(update);
  if (!applied) {
    REQUIRE(doc.encode_state_as_update() == before);
    REQUIRE(doc.encode_state_vector() == test::hex("01 01 04"));
  }
  if (const Status sound = doc.check_invariants(); !sound)
    FAIL(sound.error().message, ": ", to_hex(update));
  // Whatever is in there can be written and read again.
  Doc copy({.client_id = 2});
  const Buffer v1 = doc.encode_state_as_update();
  if (const Status read = copy.apply_update(v1); !read)
    FAIL(read.error().message, ": ", to_hex(v1));
  const Buffer encoded_v2 = doc.encode_state_as_update_v2();
  if (const Status read = copy.apply_update_v2(encoded_v2); !read)
    FAIL(read.error().message, ": ", to_hex(encoded_v2));
  REQUIRE(copy.check_invariants());
  // And the functions without a document do not stumble over it either.
  const Bytes two[] = {update, update};
  (void)(v2 ? merge_updates_v2(two) : merge_updates_v1(two));        // Both may fail:
  (void)(v2 ? convert_v2_to_v1(update) : convert_v1_to_v2(update));  // we look for crashes.
  (void)(v2 ? diff_update_v2(update, before) : diff_update_v1(update, before));
  return applied.has_value();
}

}  // namespace

TEST_SUITE("crdt/hostile") {
  TEST_CASE("every truncation of an update is refused and changes nothing") {
    for (const bool v2 : {false, true}) {
      const Buffer update = rich_update(v2);
      REQUIRE(feed(update, v2));
      for (std::size_t size = 0; size < update.size(); ++size) {
        CAPTURE(size);
        CHECK_FALSE(feed(Bytes(update).first(size), v2));
      }
    }
  }

  TEST_CASE("every bit flip of an update leaves a sound document") {
    for (const bool v2 : {false, true}) {
      const Buffer update = rich_update(v2);
      for (std::size_t bit = 0; bit < update.size() * 8; ++bit) {
        CAPTURE(bit);
        Buffer flipped = update;
        flipped[bit / 8] = static_cast<std::uint8_t>(flipped[bit / 8] ^ 1U << bit % 8);
        feed(flipped, v2);
      }
    }
  }

  TEST_CASE("counts that promise more than there is are refused before memory is taken for them") {
    for (const char* update : {"01 ff ff ff ff 0f 05 00", "ff ff ff ff 0f", "00 ff ff ff ff 0f",
                               "01 01 05 00 08 01 01 \"t\" ff ff ff ff 0f",
                               "01 01 05 00 04 01 01 \"t\" ff ff ff ff 0f"}) {
      CHECK_FALSE(feed(test::hex(update), false));
    }
  }

  TEST_CASE("a few octets of update v2 may honestly stand for very many structs") {
    // Typed backwards and deleted: no struct merges with its neighbour, and all columns are runs.
    Doc doc({.client_id = 1});
    Text text = doc.text("t");
    doc.transact([&] {
      for (int i = 0; i < 200'000; ++i) text.insert(0, "x");
    });
    text.erase(0, text.length());
    const Buffer update = doc.encode_state_as_update_v2();
    CHECK(update.size() < 100);
    Doc copy({.client_id = 2});
    const Status read = copy.apply_update_v2(update);
    REQUIRE_MESSAGE(read.has_value(), read.error().message);
    CHECK(copy.encode_state_as_update_v2() == update);
    const auto converted = convert_v2_to_v1(update);
    REQUIRE(converted);
    CHECK(*converted == doc.encode_state_as_update());
  }

  TEST_CASE("clocks end at 2^53 - 1") {
    Doc doc({.client_id = 1});
    // One GC of 2^53 - 1 clocks is the most a client can have.
    REQUIRE(doc.apply_update(test::hex("01 01 05 00 00 ff ff ff ff ff ff ff 0f 00")));
    CHECK(doc.clock_of(5) == (1ULL << 53U) - 1);
    CHECK_FALSE(doc.apply_update(test::hex("01 01 06 01 00 ff ff ff ff ff ff ff 0f 00")));
  }

  TEST_CASE("client ids end at 2^53 - 1 in either format") {
    // A GC struct of client 2^53 - 1, and of 2^53.
    CHECK(feed(test::hex("01 01 ff ff ff ff ff ff ff 0f 00 00 01 00"), false));
    CHECK_FALSE(feed(test::hex("01 01 80 80 80 80 80 80 80 10 00 00 01 00"), false));
    const auto v2 = [](std::string_view client) {
      return test::hex("00 00 08 " + std::string(client) +
                       " 00 00 01 00 01 00 00 00 01 01 01 01 00 00");
    };
    CHECK(feed(v2("bf ff ff ff ff ff ff 1f"), true));
    CHECK_FALSE(feed(v2("80 80 80 80 80 80 80 20"), true));
  }

  TEST_CASE(
      "a longer struct in place of one that is there already does not go on in another list") {
    // Client 5 wrote one unit into "t"; then it pretends to have begun with five units in "u".
    Doc doc({.client_id = 1});
    doc.text("t");
    doc.text("u");
    REQUIRE(doc.apply_update(test::hex("01 01 05 00 04 01 01 \"t\" 01 \"x\" 00")));
    REQUIRE(doc.apply_update(test::hex("01 01 05 00 04 01 01 \"u\" 05 \"hello\" 00")));
    CHECK(doc.check_invariants());
    CHECK(doc.clock_of(5) == 5);
    CHECK(doc.text("t").to_string() == "x");
    CHECK(doc.text("u").to_string().empty());
  }

  TEST_CASE("a delete of nothing is left out when an update is rewritten") {
    const Buffer update = test::hex("00 02 09 01 00 00 05 02 04 00 05 01");
    const auto v2 = convert_v1_to_v2(update);
    REQUIRE(v2);
    const auto back = convert_v2_to_v1(*v2);
    REQUIRE(back);
    CHECK(*back == test::hex("00 01 05 01 05 01"));
  }

  TEST_CASE(
      "types nested very deep are integrated, shown, deleted and collected without recursion") {
    // An array in an array in …: each struct's parent is the one before it.
    Buffer update = test::hex("01");
    constexpr std::uint32_t kDepth = 50000;
    const auto var_uint = [&update](std::uint64_t value) {
      for (; value >= 0x80; value >>= 7U)
        update.push_back(static_cast<std::uint8_t>(value | 0x80U));
      update.push_back(static_cast<std::uint8_t>(value));
    };
    var_uint(kDepth);
    var_uint(5);
    var_uint(0);
    for (std::uint32_t clock = 0; clock < kDepth; ++clock) {
      update.push_back(7);
      if (clock == 0) {
        var_uint(1);
        update.insert(update.end(), {1, 'a'});
      } else {
        var_uint(0);
        var_uint(5);
        var_uint(clock - 1);
      }
      var_uint(0);
    }
    update.push_back(0);
    Doc doc({.client_id = 1});
    REQUIRE(doc.apply_update(update));
    CHECK(doc.array("a").length() == 1);
    CHECK(to_any(doc.array("a").ref()) != codec::Any());
    doc.array("a").erase(0, 1);
    REQUIRE(doc.check_invariants());
    CHECK(doc.encode_state_as_update() ==
          test::hex("01 02 05 00 01 01 01 \"a\" 01 00 cf 86 03 01 05 01 00 d0 86 03"));
  }
}
