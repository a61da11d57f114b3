#include <string>

#include <doctest/doctest.h>

#include "engine/base/random.h"
#include "engine/base/utf.h"
#include "engine/crdt/doc.h"
#include "tests/support/hex.h"

using namespace diaryx;
using namespace diaryx::crdt;

namespace {

std::string show(const std::vector<DeltaOp>& delta) {
  std::string text;
  for (const DeltaOp& op : delta) {
    text += "[";
    if (const auto* inserted = std::get_if<std::string>(&op.insert)) text += *inserted;
    if (std::holds_alternative<codec::Any>(op.insert)) text += "embed";
    if (std::holds_alternative<TypeRef>(op.insert)) text += "type";
    for (const auto& [key, value] : op.attributes) text += " " + key;
    text += "]";
  }
  return text;
}

}  // namespace

TEST_SUITE("crdt/text") {
  TEST_CASE("random edits give what the same edits give on a string, also in long lists") {
    for (const std::uint64_t seed : {1ULL, 2ULL, 3ULL}) {
      CAPTURE(seed);
      SeededRandom random(seed);
      Doc doc({.client_id = 1});
      Doc mirror({.client_id = 2});
      doc.observe(
          [&](const TransactionSummary& summary) { REQUIRE(mirror.apply_update(summary.update)); });
      Text text = doc.text("t");
      std::u16string model;
      const std::u16string letters = u"abc é漢";
      for (int step = 0; step < 3000; ++step) {
        const std::uint64_t at = random.below(model.size() + 1);
        if (random.below(3) > 0 || model.empty()) {
          std::u16string piece;
          for (std::uint64_t i = random.below(4) + 1; i > 0; --i)
            piece += letters[random.below(letters.size())];
          text.insert(at, utf16_to_utf8(piece));
          model.insert(at, piece);
        } else {
          const std::uint64_t length =
              random.below(std::min<std::uint64_t>(model.size() - at, 5) + 1);
          text.erase(at, length);
          model.erase(at, length);
        }
        if (step % 250 == 0) REQUIRE(doc.check_invariants());
      }
      CHECK(text.to_string() == utf16_to_utf8(model));
      CHECK(text.length() == model.size());
      CHECK(mirror.text("t").to_string() == text.to_string());
      CHECK(mirror.encode_state_as_update() == doc.encode_state_as_update());
      REQUIRE(mirror.check_invariants());
    }
  }

  TEST_CASE("a deletion that cuts a surrogate pair leaves U+FFFD on the other side") {
    Doc doc({.client_id = 1});
    Text text = doc.text("t");
    text.insert(0, "a😀b");
    CHECK(text.length() == 4);
    text.erase(2, 1);
    CHECK(text.to_string() ==
          "a\xEF\xBF\xBD"
          "b");
    REQUIRE(doc.check_invariants());
  }

  TEST_CASE("two halves of a pair that meet are one character again") {
    Doc doc({.client_id = 1});
    Text text = doc.text("t");
    text.insert(0, "\xED\xA0\xBD");  // U+D83D alone.
    text.insert(1, "\xED\xB8\x80");  // U+DE00 alone.
    CHECK(text.length() == 2);
    CHECK(text.to_string() == "😀");
    CHECK(doc.encode_state_as_update() == test::hex("01 01 01 00 04 01 01 \"t\" 04 f09f9880 00"));
  }

  TEST_CASE("inserted text takes the attributes to its left, unless it brings its own") {
    Doc doc({.client_id = 1});
    Text text = doc.text("t");
    text.insert(0, "bold", {{"b", true}});
    text.insert(4, "er");
    text.insert(6, "plain", {});
    CHECK(show(text.to_delta()) == "[bolder b][plain]");
    text.format(2, 6, {{"i", true}});
    CHECK(show(text.to_delta()) == "[bo b][lder b i][pl i][ain]");
    text.format(0, 11, {{"b", codec::Null{}}, {"i", codec::Null{}}});
    CHECK(show(text.to_delta()) == "[bolderplain]");
    REQUIRE(doc.check_invariants());
  }

  TEST_CASE("formatting beyond the end adds line ends") {
    Doc doc({.client_id = 1});
    Text text = doc.text("t");
    text.insert(0, "ab");
    text.format(1, 3, {{"b", true}});
    CHECK(show(text.to_delta()) == "[a][b\n\n b]");
  }

  TEST_CASE("a delta retains, inserts, deletes and embeds") {
    Doc doc({.client_id = 1});
    Text text = doc.text("t");
    text.insert(0, "hello");
    text.apply_delta({{DeltaOp::Kind::Retain, {}, 1, {{"b", true}}},
                      {DeltaOp::Kind::Delete, {}, 3},
                      {DeltaOp::Kind::Insert, codec::Any(codec::AnyObject{{"img", "x"}})}});
    CHECK(show(text.to_delta()) == "[h b][embed][o]");
    CHECK(text.length() == 3);
    CHECK(text.to_string() == "ho");
  }
}
