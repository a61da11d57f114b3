// What a document had at one moment: bytes, comparing, restoring, looking.
#include "engine/crdt/snapshot.h"

#include <doctest/doctest.h>

#include "engine/codec/json_text.h"
#include "engine/crdt/doc.h"
#include "engine/crdt/snapshot_view.h"
#include "tests/support/hex.h"
#include "tests/support/mutations.h"

using namespace diaryx;
using namespace diaryx::crdt;

namespace {

// A delta in a few letters: text, {attributes} if there are some, | between ops.
std::string show(const std::vector<DeltaOp>& delta) {
  std::string shown;
  for (const DeltaOp& op : delta) {
    if (!shown.empty()) shown += "|";
    if (const auto* text = std::get_if<std::string>(&op.insert)) shown += *text;
    if (const auto* embed = std::get_if<codec::Any>(&op.insert)) shown += codec::to_js_json(*embed);
    if (std::holds_alternative<TypeRef>(op.insert)) shown += "type";
    if (!op.attributes.empty()) shown += codec::to_js_json(codec::Any(op.attributes));
  }
  return shown;
}

std::string restored_text(Doc& doc, const Snapshot& snapshot) {
  Doc copy({.client_id = 99});
  REQUIRE(restore_snapshot(doc, snapshot, copy));
  REQUIRE(copy.check_invariants());
  return copy.text("t").to_string();
}

// JSON of a plain value in a map's past, "none" if there is none.
std::string past(Map map, std::string_view key, const Snapshot& snapshot) {
  const auto value = map_value_at(map, key, snapshot);
  return value ? codec::to_js_json(std::get<codec::Any>(*value)) : "none";
}

// Five units of client 5, two of them deleted.
Doc& example(Doc& doc) {
  doc.text("t").insert(0, "abcde");
  doc.text("t").erase(1, 2);
  return doc;
}

}  // namespace

TEST_SUITE("crdt/snapshot") {
  TEST_CASE("the example of the header is what is read and written") {
    Doc doc({.client_id = 5, .gc = false});
    const Snapshot snapshot = take_snapshot(example(doc));
    const Buffer v1 = test::hex("01 05 01 01 02 01 05 05");
    const Buffer v2 = test::hex("01 05 01 01 01 01 05 05");
    CHECK(encode_snapshot_v1(snapshot) == v1);
    CHECK(encode_snapshot_v2(snapshot) == v2);
    CHECK(decode_snapshot_v1(v1).value() == snapshot);
    CHECK(decode_snapshot_v2(v2).value() == snapshot);
  }

  TEST_CASE("ranges come in any order and are brought into one") {
    const Snapshot snapshot =
        decode_snapshot_v1(test::hex("02 05 03 04 02 00 01 01 01 05 02 06 00 08 02 00")).value();
    CHECK(encode_snapshot_v1(snapshot) == test::hex("01 05 03 00 02 04 02 08 02 00"));
  }

  TEST_CASE("it contains an update if that brings nothing new") {
    Doc doc({.client_id = 5});
    doc.text("t").insert(0, "abc");
    const Snapshot three = take_snapshot(doc);
    const Buffer abc = doc.encode_state_as_update();
    doc.text("t").erase(1, 1);
    const Snapshot erased = take_snapshot(doc);
    const Buffer with_delete = doc.encode_state_as_update_v2();
    CHECK(snapshot_contains_update_v1(three, abc).value());
    CHECK(snapshot_contains_update_v1(erased, abc).value());
    CHECK_FALSE(snapshot_contains_update_v2(three, with_delete).value());
    CHECK(snapshot_contains_update_v2(erased, with_delete).value());
    // One unit more, in a Skip.
    CHECK_FALSE(snapshot_contains_update_v1(three, test::hex("01 01 05 03 0a 01 00")).value());
    // Deletes that lie in several ranges of the update, and one that begins before ours.
    CHECK(snapshot_contains_update_v1(erased, test::hex("00 01 05 01 01 01")).value());
    CHECK_FALSE(snapshot_contains_update_v1(erased, test::hex("00 01 05 01 00 02")).value());
    CHECK_FALSE(snapshot_contains_update_v1(erased, test::hex("00 01 06 01 01 01")).value());
    CHECK_FALSE(snapshot_contains_update_v1(three, test::hex("00 01 05")));
  }

  TEST_CASE("a document is restored as it was, and the one it came from stays as it is") {
    Doc doc({.client_id = 5, .gc = false});
    doc.text("t").insert(0, "hello");
    const Snapshot hello = take_snapshot(doc);
    doc.text("t").insert(5, " world");
    doc.text("t").erase(0, 3);
    const Snapshot world = take_snapshot(doc);
    doc.text("t").erase(0, doc.text("t").length());
    const Buffer before = doc.encode_state_as_update();
    CHECK(restored_text(doc, hello) == "hello");
    CHECK(restored_text(doc, world) == "lo world");
    CHECK(restored_text(doc, {}).empty());
    CHECK(doc.encode_state_as_update() == before);
    CHECK(doc.check_invariants());
  }

  TEST_CASE("values of every kind are cut where the snapshot ends") {
    Doc doc({.client_id = 5, .gc = false});
    doc.array("a").insert(0, {1, "two"});
    const Snapshot two = take_snapshot(doc);
    doc.array("a").insert(2, {3, 4});
    Doc copy({.client_id = 99});
    REQUIRE(restore_snapshot(doc, two, copy));
    CHECK(to_any(copy.array("a").ref()) == codec::Any(codec::AnyArray{1, "two"}));
    CHECK(take_snapshot(copy) == two);
  }

  TEST_CASE(
      "a pair of surrogates cut by a snapshot is spoilt in the copy and whole in the original") {
    Doc doc({.client_id = 5, .gc = false});
    doc.text("t").insert(0, "a😀b");
    Snapshot inside;
    inside.clocks[5] = 2;
    CHECK(restored_text(doc, inside) == "a\xEF\xBF\xBD");
    CHECK(show(text_at(doc.text("t"), &inside)) == "a\xEF\xBF\xBD");
    CHECK(doc.text("t").to_string() == "a😀b");
    CHECK(doc.check_invariants());
  }

  TEST_CASE("a gap that a collecting peer sent is not cut where the snapshot ends") {
    Doc doc({.client_id = 5, .gc = false});
    REQUIRE(doc.apply_update(test::hex("01 02 06 00 04 01 01 \"t\" 02 \"hi\" 00 05 00")));
    Snapshot inside;
    inside.clocks[6] = 4;
    Doc copy({.client_id = 99});
    REQUIRE(restore_snapshot(doc, inside, copy));
    CHECK(copy.text("t").to_string() == "hi");
    CHECK(copy.clock_of(6) == 7);
  }

  TEST_CASE("without what was deleted, or without what the snapshot knows, nothing is restored") {
    Doc collecting({.client_id = 5});
    Doc copy({.client_id = 99});
    const Snapshot snapshot = take_snapshot(example(collecting));
    const Status refused = restore_snapshot(collecting, snapshot, copy);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == ErrorCode::InvalidArgument);
    Doc younger({.client_id = 5, .gc = false});
    younger.text("t").insert(0, "ab");
    const Status too_new = restore_snapshot(younger, snapshot, copy);
    REQUIRE_FALSE(too_new);
    CHECK(too_new.error().code == ErrorCode::InvalidArgument);
    Snapshot stranger;
    stranger.clocks[6] = 1;
    CHECK_FALSE(restore_snapshot(younger, stranger, copy));
    CHECK(copy.empty());
  }

  TEST_CASE("a text shows what was added and removed between two snapshots") {
    Doc doc({.client_id = 5, .gc = false});
    Text text = doc.text("t");
    text.insert(0, "one two");
    const Snapshot first = take_snapshot(doc);
    text.erase(0, 4);
    text.insert(3, " three");
    text.format(0, 3, {{"bold", true}});
    const Snapshot second = take_snapshot(doc);
    text.erase(0, text.length());
    CHECK(show(text_at(text, &first)) == "one two");
    // "one " was deleted from within an item, and the second snapshot knows that.
    Snapshot part = first;
    part.deletes.add(5, {1, 2});
    part.deletes.normalise();
    CHECK(show(text_at(text, &part)) == "o two");
    CHECK(show(text_at(text, &second)) == R"(two{"bold":true}| three)");
    CHECK(
        show(text_at(text, &second, &first)) ==
        R"(one {"ychange":{"type":"removed"}}|two{"bold":true}| three{"ychange":{"type":"added"}})");
    CHECK(text_at(text, nullptr).empty());
    CHECK(show(text_at(text, nullptr, &first)) == "one two");
    text.insert(0, "new ");
    CHECK(show(text_at(text, nullptr, &first)) == R"(one two|new {"ychange":{"type":"added"}})");
  }

  TEST_CASE("a mark of one's own joins runs of the client that it names") {
    Doc doc({.client_id = 5, .gc = false});
    Text text = doc.text("t");
    text.insert(0, "ab");
    text.insert(1, "X");
    const Snapshot snapshot = take_snapshot(doc);
    const Snapshot empty;
    CHECK(text_at(text, &snapshot, &empty).size() == 3);
    const ChangeMark mark = [](bool added, UnitId unit) {
      return codec::AnyObject{{"user", static_cast<double>(unit.client)},
                              {"type", added ? "added" : "removed"}};
    };
    CHECK(show(text_at(text, &snapshot, &empty, mark)) ==
          R"(aXb{"ychange":{"user":5,"type":"added"}})");
  }

  TEST_CASE("maps and arrays show their values at a snapshot") {
    Doc doc({.client_id = 5, .gc = false});
    doc.map("m").set("k", 1);
    doc.map("m").set_document("d", {"guid", {}});
    doc.map("m").set("gone", true);
    doc.array("a").insert(0, {1, 2, 3});
    const Snapshot snapshot = take_snapshot(doc);
    doc.map("m").set("k", 2);
    doc.map("m").set("later", 3);
    doc.map("m").erase("gone");
    doc.map("m").erase("d");
    doc.array("a").erase(1, 1);
    CHECK(map_at(doc.map("m"), snapshot).size() == 3);
    CHECK(past(doc.map("m"), "k", snapshot) == "1");
    CHECK(past(doc.map("m"), "gone", snapshot) == "true");
    CHECK(past(doc.map("m"), "later", snapshot) == "none");
    CHECK(past(doc.map("m"), "never", snapshot) == "none");
    CHECK(std::get<SubDocument>(*map_value_at(doc.map("m"), "d", snapshot)).guid == "guid");
    CHECK(array_at(doc.array("a"), snapshot).size() == 3);
    CHECK(array_at(doc.array("a"), take_snapshot(doc)).size() == 2);
    CHECK(array_at(doc.array("a"), {}).empty());
  }

  TEST_CASE("a cut snapshot is refused, a changed one refused or read and written alike") {
    Doc doc({.client_id = 300, .gc = false});
    example(doc);
    Doc other({.client_id = 5});
    REQUIRE(other.apply_update(doc.encode_state_as_update()));
    other.text("t").insert(1, "xyz");
    other.text("t").erase(2, 1);
    REQUIRE(doc.apply_update(other.encode_state_as_update()));
    const Snapshot snapshot = take_snapshot(doc);
    for (const bool v2 : {false, true}) {
      const auto decode = v2 ? decode_snapshot_v2 : decode_snapshot_v1;
      const auto encode = v2 ? encode_snapshot_v2 : encode_snapshot_v1;
      const Buffer bytes = encode(snapshot);
      test::for_each_truncation(bytes, [&](Bytes cut) { CHECK_FALSE(decode(cut)); });
      Buffer longer = bytes;
      longer.push_back(0);
      CHECK_FALSE(decode(longer));
      test::for_each_octet_change(bytes, [&](Bytes changed) {
        const auto read = decode(changed);
        if (!read) return;
        REQUIRE(decode(encode(*read)).value() == *read);
        // Whatever it says, looking at the document through it does no harm.
        (void)text_at(doc.text("t"), &*read, &snapshot);
        (void)map_at(doc.map("m"), *read);
        Doc copy({.client_id = 99});
        if (restore_snapshot(doc, *read, copy)) REQUIRE(copy.check_invariants());
      });
    }
    CHECK(doc.check_invariants());
    CHECK(take_snapshot(doc) == snapshot);
  }

  TEST_CASE("counts that promise more than there is are refused") {
    for (const char* bytes : {"ff ff ff ff 0f 00", "01 05 ff ff ff ff 0f 00 00",
                              "00 ff ff ff ff 0f", "01 05 01 ff ff ff ff ff ff ff 0f 01 00"}) {
      CHECK_FALSE(decode_snapshot_v1(test::hex(bytes)));
      CHECK_FALSE(decode_snapshot_v2(test::hex(bytes)));
    }
  }
}
