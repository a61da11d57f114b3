#include "engine/crdt/doc.h"

#include <doctest/doctest.h>

#include "engine/crdt/update.h"
#include "tests/support/hex.h"

using namespace diaryx;
using namespace diaryx::crdt;

TEST_SUITE("crdt/doc") {
  TEST_CASE("the example of the decoder's header is what a first insert makes") {
    Doc doc({.client_id = 5});
    doc.text("t").insert(0, "hi");
    CHECK(doc.encode_state_as_update() == test::hex("01 01 05 00 04 01 01 \"t\" 02 \"hi\" 00"));
    CHECK(doc.encode_state_vector() == test::hex("01 05 02"));
  }

  TEST_CASE("an update carries a text to another replica") {
    Doc a({.client_id = 1});
    a.text("t").insert(0, "hello");
    a.text("t").insert(5, " world");
    a.text("t").erase(0, 1);
    Doc b({.client_id = 2});
    REQUIRE(b.apply_update(a.encode_state_as_update()));
    CHECK(b.text("t").to_string() == "ello world");
    CHECK(b.encode_state_as_update() == a.encode_state_as_update());
    REQUIRE(b.check_invariants());
  }

  TEST_CASE("the observer gets the update of just this transaction") {
    Doc doc({.client_id = 5});
    std::vector<Buffer> updates;
    doc.observe(
        [&](const TransactionSummary& summary) { updates.push_back(to_buffer(summary.update)); });
    doc.text("t").insert(0, "hi");
    doc.text("t").insert(2, "!");
    doc.text("t").erase(1, 1);
    REQUIRE(updates.size() == 3);
    CHECK(updates[0] == test::hex("01 01 05 00 04 01 01 \"t\" 02 \"hi\" 00"));
    CHECK(updates[1] == test::hex("01 01 05 02 84 05 01 01 \"!\" 00"));
    CHECK(updates[2] == test::hex("00 01 05 01 01 01"));
  }

  TEST_CASE("a malformed update changes nothing") {
    Doc doc({.client_id = 5});
    doc.text("t").insert(0, "hi");
    const Buffer before = doc.encode_state_as_update();
    CHECK_FALSE(doc.apply_update(test::hex("01 01 06 00 04 01 01 \"t\" 02 \"h\"")));
    CHECK(doc.encode_state_as_update() == before);
    CHECK(doc.clock_of(6) == 0);
    REQUIRE(doc.check_invariants());
  }

  TEST_CASE("what depends on something missing waits, and then does not") {
    Doc a({.client_id = 1});
    std::vector<Buffer> updates;
    a.observe(
        [&](const TransactionSummary& summary) { updates.push_back(to_buffer(summary.update)); });
    a.text("t").insert(0, "a");
    a.text("t").insert(0, "b");
    a.text("t").erase(1, 1);
    Doc b({.client_id = 2});
    REQUIRE(b.apply_update(updates[2]));
    REQUIRE(b.apply_update(updates[1]));
    CHECK(b.has_pending());
    CHECK(b.text("t").to_string().empty());
    REQUIRE(b.apply_update(updates[0]));
    CHECK_FALSE(b.has_pending());
    CHECK(b.text("t").to_string() == "b");
    CHECK(b.encode_state_as_update() == a.encode_state_as_update());
  }

  TEST_CASE("maps nest, and a later value wins") {
    Doc a({.client_id = 1});
    Map files = a.map("files");
    Map record(files.set_type("f1", TypeKind::Map));
    record.set("title", "One");
    record.set("title", "Two");
    Array contents(record.set_type("contents", TypeKind::Array));
    contents.push({codec::Any("x"), codec::Any(3)});
    contents.insert(1, {codec::Any(true)});
    Doc b({.client_id = 2});
    REQUIRE(b.apply_update(a.encode_state_as_update()));
    const codec::Any expected = codec::AnyObject{
        {"f1", codec::AnyObject{{"title", "Two"}, {"contents", codec::AnyArray{"x", true, 3}}}}};
    CHECK(to_any(b.map("files").ref()) == expected);
    REQUIRE(b.check_invariants());
    const auto path = b.path_of(std::get<TypeRef>(*b.map("files").get("f1")));
    REQUIRE(path);
    CHECK(path->root == "files");
    CHECK(path->steps.at(0).key == "f1");
    b.map("files").erase("f1");
    CHECK(b.map("files").size() == 0);
    REQUIRE(b.check_invariants());
    REQUIRE(a.apply_update(b.encode_state_as_update()));
    CHECK(a.encode_state_as_update() == b.encode_state_as_update());
  }

  TEST_CASE("merged updates mean what they meant one by one") {
    Doc a({.client_id = 1});
    std::vector<Buffer> updates;
    a.observe(
        [&](const TransactionSummary& summary) { updates.push_back(to_buffer(summary.update)); });
    a.text("t").insert(0, "abc");
    a.text("t").insert(1, "x");
    a.text("t").erase(0, 2);
    const std::vector<Bytes> views(updates.begin(), updates.end());
    const auto merged = merge_updates_v1(views);
    REQUIRE(merged);
    Doc b({.client_id = 2});
    REQUIRE(b.apply_update(*merged));
    CHECK(b.text("t").to_string() == "bc");
    CHECK(b.encode_state_as_update() == a.encode_state_as_update());
  }
}
