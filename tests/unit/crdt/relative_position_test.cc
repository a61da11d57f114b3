// Places that stay where they are meant, their bytes and their JSON; hostile bytes too.
#include "engine/crdt/relative_position.h"

#include <doctest/doctest.h>

#include "engine/codec/json_text.h"
#include "engine/crdt/doc.h"
#include "engine/crdt/undo.h"
#include "tests/support/hex.h"
#include "tests/support/mutations.h"

using namespace diaryx;
using namespace diaryx::crdt;

namespace {

// Where a position is now, as "index" or "none".
std::string where(Doc& doc, const RelativePosition& position) {
  const auto place = resolve_relative_position(doc, position);
  return place ? std::to_string(place->index) : "none";
}

RelativePosition from_json(std::string_view json) {
  return relative_position_from_json(codec::parse_js_json(json).value()).value();
}

}  // namespace

TEST_SUITE("crdt/relative_position") {
  TEST_CASE("the examples of the header are what is read and written") {
    const Buffer at_unit = test::hex("00 05 02 00");
    const auto unit = decode_relative_position(at_unit);
    REQUIRE(unit);
    CHECK(unit->item == UnitId{5, 2});
    CHECK(unit->assoc == 0);
    CHECK(encode_relative_position(*unit) == at_unit);
    const Buffer at_start = test::hex("01 01 \"t\" 41");
    const auto start = decode_relative_position(at_start);
    REQUIRE(start);
    CHECK(start->root == "t");
    CHECK(start->assoc == -1);
    CHECK(encode_relative_position(*start) == at_start);
  }

  TEST_CASE("a place without an association, as older clients wrote it, has association 0") {
    const auto position = decode_relative_position(test::hex("02 05 07"));
    REQUIRE(position);
    CHECK(*position == RelativePosition{UnitId{5, 7}, std::nullopt, std::nullopt, 0});
  }

  TEST_CASE("a place moves with what is inserted and erased around it") {
    Doc doc({.client_id = 5});
    Text text = doc.text("t");
    text.insert(0, "abcdef");
    const RelativePosition before = create_relative_position(text.ref(), 3);
    const RelativePosition behind = create_relative_position(text.ref(), 3, -1);
    CHECK(before.item == UnitId{5, 3});
    CHECK(behind.item == UnitId{5, 2});
    text.insert(3, "XY");
    CHECK(where(doc, before) == "5");
    CHECK(where(doc, behind) == "3");
    text.erase(0, 2);
    CHECK(where(doc, before) == "3");
    CHECK(where(doc, behind) == "1");
    text.erase(0, text.length());
    CHECK(where(doc, before) == "0");
    CHECK(where(doc, behind) == "0");
  }

  TEST_CASE("the end of a text stays its end, the start its start") {
    Doc doc({.client_id = 5});
    Text text = doc.text("t");
    text.insert(0, "abc");
    const RelativePosition end = create_relative_position(text.ref(), 3);
    const RelativePosition start = create_relative_position(text.ref(), 0, -1);
    CHECK(encode_relative_position(end) == test::hex("01 01 \"t\" 00"));
    CHECK(encode_relative_position(start) == test::hex("01 01 \"t\" 41"));
    text.insert(3, "def");
    text.insert(0, "___");
    CHECK(where(doc, end) == "9");
    CHECK(where(doc, start) == "0");
  }

  TEST_CASE("beyond the end it is the end, or behind the last item even if that is deleted") {
    Doc doc({.client_id = 5});
    Text text = doc.text("t");
    text.insert(0, "abc");
    text.erase(2, 1);
    CHECK(create_relative_position(text.ref(), 99).item == std::nullopt);
    CHECK(create_relative_position(text.ref(), 99, -1).item == UnitId{5, 2});
    CHECK(where(doc, create_relative_position(text.ref(), 99, -1)) == "2");
    CHECK(create_relative_position(doc.text("empty").ref(), 99, -1).item == std::nullopt);
  }

  TEST_CASE("a type below the roots is named by its item, and lost when that is collected") {
    Doc doc({.client_id = 5});
    const TypeRef list = doc.map("m").set_type("list", TypeKind::Array);
    const RelativePosition end = create_relative_position(list, 0);
    CHECK(encode_relative_position(end) == test::hex("02 05 00 00"));
    Array(list).insert(0, {1, 2});
    const RelativePosition second = create_relative_position(list, 1);
    CHECK(where(doc, end) == "2");
    const auto place = resolve_relative_position(doc, second);
    REQUIRE(place);
    CHECK(place->type == list);
    doc.map("m").erase("list");
    CHECK(where(doc, end) == "none");
    CHECK(where(doc, second) == "none");
  }

  TEST_CASE("without garbage collection a deleted type is still found, at its index 0") {
    Doc doc({.client_id = 5, .gc = false});
    const TypeRef list = doc.map("m").set_type("list", TypeKind::Array);
    Array(list).insert(0, {1, 2});
    const RelativePosition second = create_relative_position(list, 1);
    const RelativePosition end = create_relative_position(list, 2);
    doc.map("m").erase("list");
    for (const RelativePosition& position : {second, end}) {
      const auto place = resolve_relative_position(doc, position);
      REQUIRE(place);
      CHECK(place->type == list);
      CHECK(place->index == 0);
    }
  }

  TEST_CASE("what this replica has not heard of is nowhere") {
    Doc doc({.client_id = 5});
    doc.text("t").insert(0, "abc");
    CHECK(where(doc, *decode_relative_position(test::hex("00 05 03 00"))) == "none");
    CHECK(where(doc, *decode_relative_position(test::hex("00 06 00 00"))) == "none");
    CHECK(where(doc, *decode_relative_position(test::hex("02 05 03 00"))) == "none");
    // Unit 0 is there, but it is a letter and no type.
    CHECK(where(doc, *decode_relative_position(test::hex("02 05 00 00"))) == "none");
    // A root comes into being by being asked for, and changes nothing by that.
    const Buffer before = doc.encode_state_as_update();
    CHECK(where(doc, *decode_relative_position(test::hex("01 01 \"u\" 00"))) == "0");
    CHECK(doc.encode_state_as_update() == before);
    CHECK(doc.root("u", TypeKind::Array));
  }

  TEST_CASE("a map's value counts no units in front of it, with a long list beside it either") {
    Doc doc({.client_id = 5});
    const TypeRef root = *doc.root("x", TypeKind::XmlFragment);
    const TypeRef element = Array(root).insert_type(0, NewType{TypeKind::XmlElement, "p"});
    for (int i = 0; i < 200; ++i)
      Array(element).insert_type(static_cast<std::uint64_t>(i / 2), TypeKind::XmlText);
    // Far away twice, so that the list gets an index.
    CHECK(where(doc, create_relative_position(element, 150)) == "150");
    CHECK(where(doc, create_relative_position(element, 20)) == "20");
    const std::uint64_t clock = doc.clock_of(5);
    Map(element).set("id", "1");
    RelativePosition position;
    position.item = UnitId{5, clock};
    CHECK(where(doc, position) == "0");
    position.assoc = -1;
    CHECK(where(doc, position) == "1");
    Map(element).set("id", "2");
    CHECK(where(doc, position) == "0");
    CHECK(where(doc, create_relative_position(element, 150)) == "150");
  }

  TEST_CASE("a place comes back with what an UndoManager brings back, if one wants that") {
    Doc doc({.client_id = 5});
    Text text = doc.text("t");
    const TypeRef list = doc.map("m").set_type("list", TypeKind::Array);
    text.insert(0, "abcdef");
    Array(list).insert(0, {1, 2, 3});
    UndoManager undo(doc, {text.ref(), doc.map("m").ref()});
    const RelativePosition in_text = create_relative_position(text.ref(), 4);
    const RelativePosition in_list = create_relative_position(list, 2, -1);
    const RelativePosition list_end = create_relative_position(list, 3);
    text.erase(1, 4);
    doc.map("m").erase("list");
    CHECK(where(doc, in_text) == "1");
    REQUIRE(undo.undo());
    text.insert(0, "__");
    // "e" is the fourth unit of what was brought back.
    CHECK(where(doc, in_text) == "6");
    CHECK(where(doc, list_end) == "3");
    const TypeRef anew = std::get<TypeRef>(*doc.map("m").get("list"));
    const auto place = resolve_relative_position(doc, in_list);
    REQUIRE(place);
    CHECK(place->type == anew);
    CHECK(place->index == 2);
    // Where the deleted ones were.
    CHECK(resolve_relative_position(doc, in_text, false)->index == 7);
    CHECK(resolve_relative_position(doc, in_list, false)->type == list);
    CHECK(resolve_relative_position(doc, in_list, false)->index == 0);
    // Undone and redone once more, and undone again: a chain of two.
    REQUIRE(undo.undo());
    REQUIRE(undo.redo());
    text.erase(3, 4);
    REQUIRE(undo.undo());
    CHECK(where(doc, in_text) == "6");
  }

  TEST_CASE("the JSON form is that of Yjs, both ways") {
    Doc doc({.client_id = 5});
    doc.text("t").insert(0, "abc");
    const TypeRef list = doc.map("m").set_type("list", TypeKind::Array);
    const auto json = [](const RelativePosition& position) {
      return codec::to_js_json(relative_position_to_json(position));
    };
    CHECK(json(create_relative_position(doc.text("t").ref(), 1)) ==
          R"({"tname":"t","item":{"client":5,"clock":1},"assoc":0})");
    CHECK(json(create_relative_position(list, 0, -7)) ==
          R"({"type":{"client":5,"clock":3},"assoc":-7})");
    CHECK(from_json(R"({"item":{"client":5,"clock":1},"tname":null})").item == UnitId{5, 1});
    CHECK(from_json(R"({"tname":"t","assoc":null})") ==
          RelativePosition{std::nullopt, "t", std::nullopt, 0});
  }

  TEST_CASE("JSON that names no place is refused") {
    for (const char* json :
         {"null", "7", "[]", "{}", R"({"assoc":1})", R"({"item":7})", R"({"item":{"client":5}})",
          R"({"item":{"client":5,"clock":0.5}})", R"({"item":{"client":-1,"clock":0}})",
          R"({"item":{"client":5,"clock":9007199254740992}})", R"({"tname":7})",
          R"({"tname":"t","assoc":"x"})", R"({"tname":"t","assoc":1e300})"}) {
      CAPTURE(json);
      CHECK_FALSE(relative_position_from_json(codec::parse_js_json(json).value()));
    }
  }

  TEST_CASE("bytes that are cut or go on too long are refused, the association may be missing") {
    for (const char* bytes : {"00 05 02 00", "01 01 \"t\" 41", "02 ac 02 07 00"}) {
      const Buffer whole = test::hex(bytes);
      test::for_each_truncation(whole, [&](Bytes cut) {
        CHECK(decode_relative_position(cut).has_value() == (cut.size() + 1 == whole.size()));
      });
      Buffer longer = whole;
      longer.push_back(0);
      CHECK_FALSE(decode_relative_position(longer));
    }
    CHECK_FALSE(decode_relative_position(test::hex("03 05 02 00")));
    CHECK_FALSE(decode_relative_position(test::hex("01 ff ff ff ff 0f \"t\"")));
    CHECK_FALSE(decode_relative_position(test::hex("01 01 ff 00")));
  }

  TEST_CASE("whatever octet is changed, the place is refused or resolved") {
    Doc doc({.client_id = 5});
    doc.text("t").insert(0, "abcdef");
    doc.text("t").erase(2, 2);
    doc.map("m").set_type("list", TypeKind::Array);
    const Buffer before = doc.encode_state_as_update();
    for (const char* bytes : {"00 05 02 00", "01 01 \"t\" 41", "02 05 06 00", "00 05 03 7f"}) {
      test::for_each_octet_change(test::hex(bytes), [&](Bytes changed) {
        const auto position = decode_relative_position(changed);
        if (!position) return;
        const auto place = resolve_relative_position(doc, *position);
        if (place) REQUIRE(place->index <= 6);
        const auto again = decode_relative_position(encode_relative_position(*position));
        REQUIRE(again);
        REQUIRE(*again == *position);
      });
    }
    CHECK(doc.encode_state_as_update() == before);
    CHECK(doc.check_invariants());
  }
}
