// Small updates that would be much work if it were done the obvious way. Each is as large as a peer
// may well send it, and would take half a minute and more if its work grew with the square.
#include <ctime>
#include <string>

#include <doctest/doctest.h>

#include "engine/codec/writer.h"
#include "engine/crdt/doc.h"
#include "engine/crdt/state.h"

using namespace diaryx;
using namespace diaryx::crdt;

namespace {

// For builds without optimisation and with sanitizers too.
constexpr double kMostSeconds = 5;

template <class Work>
void quickly(const char* what, const Work& work) {
  const std::clock_t start = std::clock();
  work();
  const double seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  INFO(what, ": ", seconds, " s");
  CHECK(seconds < kMostSeconds);
}

// Writes an update v1 struct by struct.
class Bomb {
 public:
  Bomb& number(std::uint64_t value) { return out_.var_uint(value), *this; }
  Bomb& text(std::string_view value) { return out_.var_string(value), *this; }
  Bomb& section(std::uint64_t structs, std::uint64_t client, std::uint64_t clock) {
    return number(structs).number(client).number(clock);
  }
  Bomb& text_in_root(std::string_view root, std::string_view value) {
    return info(0x04).number(1).text(root).text(value);
  }
  Bomb& text_behind(std::uint64_t client, std::uint64_t clock, std::string_view value) {
    return info(0x84).number(client).number(clock).text(value);
  }
  Bomb& info(std::uint8_t value) { return out_.u8(value), *this; }
  const Buffer& update() const noexcept { return buffer_; }

 private:
  Buffer buffer_;
  codec::Writer out_{buffer_};
};

void apply(Doc& doc, const Bomb& bomb) {
  const Status applied = doc.apply_update(bomb.update());
  if (!applied) FAIL(applied.error().message);
  const Status sound = doc.check_invariants();
  if (!sound) FAIL(sound.error().message);
}

std::string repeat(std::string_view text, std::size_t times) {
  std::string all;
  for (std::size_t i = 0; i < times; ++i) all += text;
  return all;
}

}  // namespace

TEST_SUITE("crdt/traps") {
  TEST_CASE("a chain of clients that each wait for the next") {
    constexpr std::uint64_t kClients = 200'000;
    Bomb bomb;
    bomb.number(kClients);
    for (std::uint64_t client = kClients; client > 0; --client) {
      bomb.section(1, client, 0);
      if (client == 1) {
        bomb.text_in_root("t", "a");
      } else {
        bomb.text_behind(client - 1, 0, "a");
      }
    }
    bomb.number(0);
    Doc doc({.client_id = 1'000'000});
    quickly("apply", [&] { apply(doc, bomb); });
    CHECK(doc.text("t").length() == kClients);
  }

  TEST_CASE("the same deletes again and again") {
    constexpr std::uint64_t kStructs = 100'000;
    Bomb structs;
    structs.number(1).section(kStructs, 5, 0);
    for (std::uint64_t i = 0; i < kStructs; ++i) structs.text_in_root("t", "a");
    structs.number(0);
    // In one client's list, and with another client's in between.
    Bomb deletes;
    deletes.number(0).number(1).number(5).number(kStructs);
    for (std::uint64_t i = 0; i < kStructs; ++i) deletes.number(0).number(kStructs);
    Bomb interleaved;
    interleaved.number(0).number(kStructs);
    for (std::uint64_t i = 0; i < kStructs; ++i)
      interleaved.number(i % 2 == 0 ? 5 : 6).number(1).number(0).number(kStructs);
    for (const Bomb* bomb : {&deletes, &interleaved}) {
      Doc doc({.client_id = 1, .gc = false});
      apply(doc, structs);
      quickly("delete", [&] { apply(doc, *bomb); });
      CHECK(doc.text("t").length() == 0);
    }
  }

  TEST_CASE("a text of pairs, each of them cut") {
    constexpr std::size_t kPairs = 50'000;
    Bomb bomb;
    bomb.number(1).section(1, 5, 0).text_in_root("t", repeat("\xF0\x9F\x98\x80", kPairs));
    bomb.number(1).number(5).number(kPairs);
    for (std::uint64_t i = 0; i < kPairs; ++i) bomb.number(2 * i + 1).number(1);
    Doc doc({.client_id = 1});
    quickly("apply", [&] { apply(doc, bomb); });
    CHECK(doc.text("t").to_string() == repeat("\xEF\xBF\xBD", kPairs));
    // What is cut moves: the shorter half each time.
    CHECK(doc.state().arena.size() < 40 * bomb.update().size());
  }

  TEST_CASE("a text that is no ASCII, cut to pieces from its end") {
    constexpr std::uint64_t kLetters = 200'000;
    Bomb bomb;
    bomb.number(2).section(kLetters / 2, 6, 0);
    for (std::uint64_t i = 0; i < kLetters / 2; ++i) {
      const std::uint64_t left = kLetters - 2 * i - 2;
      bomb.info(0xC4).number(5).number(left).number(5).number(left + 1).text("x");
    }
    bomb.section(1, 5, 0).text_in_root("t", repeat("é", kLetters)).number(0);
    Doc doc({.client_id = 1});
    quickly("apply", [&] { apply(doc, bomb); });
    CHECK(doc.text("t").length() == kLetters + kLetters / 2);
  }

  TEST_CASE("XML elements nested very deep are shown") {
    constexpr std::uint64_t kDepth = 100'000;
    Bomb bomb;
    bomb.number(1).section(kDepth, 5, 0);
    for (std::uint64_t i = 0; i < kDepth; ++i) {
      bomb.info(7);
      if (i == 0) {
        bomb.number(1).text("x");
      } else {
        bomb.number(0).number(5).number(i - 1);
      }
      bomb.number(3).text("p");
    }
    bomb.number(0);
    Doc doc({.client_id = 1});
    apply(doc, bomb);
    const TypeRef root = doc.root("x", TypeKind::XmlFragment).value();
    std::string shown;
    quickly("show", [&] { shown = Xml(root).to_string(); });
    CHECK(shown == repeat("<p>", kDepth) + repeat("</p>", kDepth));
  }

  TEST_CASE("a long gap in rich text, deleted letter by letter, is cleaned once") {
    constexpr std::uint64_t kLetters = 100'000;
    Bomb bomb;
    bomb.number(1).section(kLetters + 1, 5, 0).info(6).number(1).text("t").text("b").text("1");
    for (std::uint64_t i = 0; i < kLetters; ++i) bomb.text_behind(5, 0, "a");
    bomb.number(0);
    Bomb deletes;
    deletes.number(0).number(1).number(5).number(1).number(1).number(kLetters);
    Doc doc({.client_id = 1, .clean_formats = true});
    doc.text("t");
    apply(doc, bomb);
    quickly("delete", [&] { apply(doc, deletes); });
    CHECK(doc.text("t").length() == 0);
  }

  TEST_CASE("very many formats at once") {
    constexpr std::uint64_t kFormats = 100'000;
    Bomb bomb;
    bomb.number(1).section(kFormats + 1, 5, 0);
    for (std::uint64_t i = 0; i < kFormats; ++i) {
      if (i == 0) {
        bomb.info(6).number(1).text("t");
      } else {
        bomb.info(0x86).number(5).number(i - 1);
      }
      bomb.text("k" + std::to_string(i)).text("1");
    }
    bomb.text_behind(5, kFormats - 1, "x").number(0);
    Doc doc({.client_id = 1});
    quickly("apply", [&] { apply(doc, bomb); });
    quickly("insert", [&] { doc.text("t").insert(1, "y"); });
    quickly("show", [&] { CHECK(doc.text("t").to_delta().at(0).attributes.size() == kFormats); });
    quickly("erase", [&] { doc.text("t").erase(0, 1); });
  }

  TEST_CASE("items that meet very many concurrent ones") {
    constexpr std::uint64_t kItems = 100'000;
    // Behind every second letter, but in front of nothing: each has to look at all that follows.
    Bomb far;
    far.number(2).section(kItems, 6, 0);
    for (std::uint64_t i = 0; i < kItems; ++i) far.text_behind(5, 2 * (kItems - i) - 2, "x");
    far.section(1, 5, 0).text_in_root("t", repeat("a", 2 * kItems)).number(0);
    // All behind the first letter, each in front of another one, as many clients as items.
    Bomb crowd;
    crowd.number(kItems + 1);
    crowd.section(1, kItems + 10, 0).text_in_root("t", repeat("a", kItems + 2));
    for (std::uint64_t i = 0; i < kItems; ++i) {
      const std::uint64_t client = 1 + (i * 7919) % kItems;
      crowd.section(1, client, 0).info(0xC4).number(kItems + 10).number(0);
      crowd.number(kItems + 10).number(i + 1).text("x");
    }
    crowd.number(0);
    for (const Bomb* bomb : {&far, &crowd}) {
      Doc doc({.client_id = 1'000'000});
      doc.text("t").insert(0, "mine");
      doc.limit_rivals(1U << 22U);
      Doc told({.client_id = 1'000'001});
      CHECK(told.apply_update(doc.encode_state_as_update()));
      doc.observe([&](const TransactionSummary& summary) {
        const Status applied = told.apply_update(summary.update);
        CHECK(applied);
      });
      quickly("apply", [&] {
        const Status applied = doc.apply_update(bomb->update());
        REQUIRE_FALSE(applied);
        CHECK(applied.error().code == ErrorCode::LimitExceeded);
      });
      CHECK(doc.check_invariants());
      CHECK_FALSE(doc.has_pending());
      // What is left of it is a document like any other, and others know it.
      CHECK(doc.text("t").length() > kItems);
      doc.text("t").insert(4, "!");
      CHECK(told.encode_state_as_update() == doc.encode_state_as_update());
    }
  }

  TEST_CASE("what the document has leaves nothing when it comes again under other names") {
    Doc doc({.client_id = 1});
    for (std::uint64_t i = 0; i < 1000; ++i) {
      const std::string name = "root" + std::to_string(i);
      // The same ten structs, each in another root, map entry and with other neighbours, and one
      // that is new.
      Bomb again;
      again.number(1).section(11 + i, 5, 0);
      for (int k = 0; k < 9; ++k) again.info(0x24).number(1).text(name).text(name).text("a");
      again.info(0xC4).number(1000 + i).number(0).number(5000 + i).number(0).text("b");
      for (std::uint64_t k = 0; k <= i; ++k) again.info(0x07).number(1).text("x").number(0);
      again.number(0);
      Bomb first;
      first.number(1).section(10, 5, 0);
      for (int k = 0; k < 10; ++k) first.text_in_root("t", "a");
      first.number(0);
      if (i == 0) apply(doc, first);
      CHECK(doc.apply_update(again.update()));
    }
    CHECK(doc.check_invariants());
    const State& state = doc.state();
    CHECK(state.keys.size() < 5);
    CHECK(state.roots.size() == 2);
    CHECK(state.store.size() < 5);
    CHECK(state.arena.size() < 100);
    CHECK(state.branches.size() < 1100);
  }

  TEST_CASE("of a client's sections only the last counts, and the others leave nothing") {
    Doc doc({.client_id = 1});
    Bomb bomb;
    bomb.number(5);
    bomb.section(1, 5, 0).text_in_root("lost", repeat("a", 1000));
    bomb.section(1, 7, 0).text_in_root("t", "c");
    bomb.section(2, 5, 0).info(0x27).number(1).text("lost").text("key").number(2);
    bomb.info(0x84).number(99).number(0).text("lost");
    bomb.section(1, 6, 0).text_in_root("t", "b");
    bomb.section(1, 5, 0).text_in_root("t", "a").number(0);
    apply(doc, bomb);
    CHECK(doc.text("t").to_string() == "abc");
    const State& state = doc.state();
    CHECK(state.keys.size() == 1);
    CHECK(state.roots.size() == 1);
    CHECK(state.store.size() == 4);
    CHECK(state.arena.size() == 3);
  }

  TEST_CASE("a text that comes again and again, a letter longer each time, takes its room once") {
    constexpr std::size_t kLetters = std::size_t{4} << 20U;
    Doc doc({.client_id = 1});
    quickly("apply", [&] {
      for (std::size_t i = 0; i < 20; ++i) {
        Bomb bomb;
        bomb.number(1).section(1, 5, 0).text_in_root("t", repeat("a", kLetters + i)).number(0);
        CHECK(doc.apply_update(bomb.update()));
      }
    });
    CHECK(doc.check_invariants());
    CHECK(doc.text("t").to_string() == repeat("a", kLetters + 19));
    CHECK(doc.state().arena.size() < 8 * kLetters);
  }

  TEST_CASE("what was deleted makes room, and the rest stays as it was") {
    Doc doc({.client_id = 1});
    Map map = doc.map("m");
    Text text = doc.text("t");
    text.insert(0, "hÃ©llo", {{"bold", codec::AnyObject{{"a", codec::BigInt{1}}}}});
    text.insert_embed(2, codec::AnyObject{{"image", "y"}});
    map.set("any", codec::AnyArray{1, "s", codec::Null{}});
    map.set("octets", Buffer{1, 2, 3});
    map.set_document("doc", {"guid", {{"autoLoad", true}}});
    doc.array("a").insert(0, {1, 2, 3});
    const std::string large = repeat("0123456789abcdef", std::size_t{1} << 18U);
    for (int i = 0; i < 10; ++i) map.set("large", codec::Any(large));
    map.erase("large");
    Doc same({.client_id = 2});
    CHECK(same.apply_update_v2(doc.encode_state_as_update_v2()));
    Doc other({.client_id = 3});
    CHECK(other.apply_update(doc.encode_state_as_update()));
    other.text("t").insert(0, "x");
    CHECK(doc.state().arena.size() > 32U << 20U);
    CHECK(doc.apply_update(other.encode_state_as_update()));
    CHECK(same.apply_update(other.encode_state_as_update()));
    CHECK(doc.state().arena.size() < 1000);
    CHECK(doc.check_invariants());
    CHECK(doc.encode_state_as_update() == same.encode_state_as_update());
    CHECK(doc.encode_state_as_update_v2() == same.encode_state_as_update_v2());
    CHECK(text.to_delta().at(0).attributes == same.text("t").to_delta().at(0).attributes);
  }
}
