// What happens when people write at the same time must cost about as much as when they do not.
#include <string>

#include <doctest/doctest.h>

#include "engine/crdt/doc.h"
#include "engine/crdt/state.h"

using namespace diaryx;
using namespace diaryx::crdt;

TEST_SUITE("crdt/contention") {
  TEST_CASE("the content of two who type in turn grows with what they typed, not with its square") {
    constexpr std::size_t kStrokes = 5000;
    for (const bool ascii : {true, false}) {
      CAPTURE(ascii);
      const std::string letter = ascii ? "x" : "é";
      Doc server({.client_id = 9});
      Doc ann({.client_id = 1});
      Doc bob({.client_id = 2});
      for (Doc* doc : {&ann, &bob}) {
        doc->observe([&](const TransactionSummary& summary) {
          if (summary.local) REQUIRE(server.apply_update(summary.update));
        });
      }
      for (std::size_t i = 0; i < kStrokes; ++i) {
        ann.text("a").insert(i, letter);
        bob.text("b").insert(i, letter);
        ann.array("list").push({1});
        bob.array("rows").push({2});
      }
      REQUIRE(server.check_invariants());
      CHECK(server.text("a").length() == kStrokes);
      CHECK(server.text("a").to_string() == ann.text("a").to_string());
      CHECK(server.text("b").to_string() == bob.text("b").to_string());
      CHECK(server.array("rows").length() == kStrokes);
      // Each is one item; a block at most twice as large as needed, and what was left behind no
      // more.
      const std::size_t typed = 2 * kStrokes * (letter.size() + 2);
      CHECK(server.state().arena.size() < 6 * typed);
    }
  }

  TEST_CASE("a text that was moved to a roomy block can be cut, erased and grow on") {
    Doc server({.client_id = 9});
    Doc ann({.client_id = 1});
    Doc bob({.client_id = 2});
    for (Doc* doc : {&ann, &bob}) {
      doc->observe([&](const TransactionSummary& summary) {
        if (summary.local) REQUIRE(server.apply_update(summary.update));
      });
    }
    // In turn, so that none ends the arena: grow, erase at both ends, cut in the middle, grow
    // again.
    for (int round = 0; round < 40; ++round) {
      for (Doc* doc : {&ann, &bob}) {
        const std::string name = doc == &ann ? "a" : "b";
        Text text = doc->text(name);
        text.insert(text.length(), round % 3 == 0 ? "abcde" : "f");
        if (round % 4 == 1) text.erase(text.length() - 1, 1);
        if (round % 5 == 2) text.erase(0, 1);
        if (round % 7 == 3) text.insert(text.length() / 2, "<é>");
        if (round % 11 == 5) text.erase(text.length() / 3, 2);
      }
      REQUIRE(server.check_invariants());
      REQUIRE(server.text("a").to_string() == ann.text("a").to_string());
      REQUIRE(server.text("b").to_string() == bob.text("b").to_string());
    }
  }
}
