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
    for (std::uint64_t i = 0; i < kLetters / 2; ++i) bomb.text_behind(5, kLetters - 2 * i - 2, "x");
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
}
