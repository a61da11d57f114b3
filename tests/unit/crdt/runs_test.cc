// Documents of many runs: loading them takes the rows of decode.cc and runs.h, which texts of a few
// words never see.
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "engine/base/random.h"
#include "engine/crdt/check.h"
#include "engine/crdt/doc.h"
#include "engine/crdt/state.h"
#include "engine/crdt/update.h"

namespace diaryx::crdt {
namespace {

struct History {
  std::vector<Buffer> updates;
  Buffer v1;
  Buffer v2;
  Buffer half;  // The state vector of somebody who missed the second half.
  std::string text;
};

// Two who type and delete at random places of one text, the one mostly words, and now and then see
// what the other did. `strange`: some words are not ASCII.
History write(std::uint64_t seed, int edits, bool strange) {
  SeededRandom random(seed);
  Doc first({.client_id = 1'234'567'890});
  Doc second({.client_id = 77});
  History history;
  const auto keep = [&](const TransactionSummary& summary) {
    if (summary.local) history.updates.emplace_back(summary.update.begin(), summary.update.end());
  };
  first.observe(keep);
  second.observe(keep);
  std::size_t shared = 0;
  for (int i = 0; i < edits; ++i) {
    Text text = (random.below(4) == 0 ? second : first).text("t");
    const std::uint64_t at = random.below(text.length() + 1);
    if (random.below(3) > 0 || at == text.length()) {
      std::string word = random.text(1 + random.below(random.below(8) == 0 ? 60 : 5), "abc ");
      if (strange && random.below(9) == 0) word += "\u00fc\U0001F600";
      text.insert(at, word);
      if (random.below(2) == 0) text.insert(at + word.size() - (strange ? 1 : 0), "x");
    } else {
      text.erase(at, std::min(text.length() - at, 1 + random.below(6)));
    }
    if (i % 40 == 39) {
      for (; shared < history.updates.size(); ++shared) {
        REQUIRE(first.apply_update(history.updates[shared]));
        REQUIRE(second.apply_update(history.updates[shared]));
      }
    }
    if (i == edits / 2) history.half = first.encode_state_vector();
  }
  for (; shared < history.updates.size(); ++shared)
    REQUIRE(first.apply_update(history.updates[shared]));
  history.v1 = first.encode_state_as_update();
  history.v2 = first.encode_state_as_update_v2();
  history.text = first.text("t").to_string();
  return history;
}

void expect(Doc& doc, const History& history) {
  REQUIRE(check_document(doc.state()));
  REQUIRE(doc.text("t").to_string() == history.text);
  REQUIRE(doc.encode_state_as_update() == history.v1);
  REQUIRE(doc.encode_state_as_update_v2() == history.v2);
  REQUIRE_FALSE(doc.has_pending());
}

}  // namespace

TEST_SUITE("crdt/runs") {
  TEST_CASE("a document of many runs is the same however it came") {
    for (const bool strange : {false, true}) {
      const History history = write(strange ? 5 : 4, 1500, strange);
      const std::vector<Bytes> all(history.updates.begin(), history.updates.end());
      Doc by_v1({.client_id = 5});
      REQUIRE(by_v1.apply_update(history.v1));
      expect(by_v1, history);
      REQUIRE(by_v1.apply_update(history.v1));  // Twice.
      expect(by_v1, history);
      Doc by_v2({.client_id = 5});
      REQUIRE(by_v2.apply_update_v2(history.v2));
      expect(by_v2, history);
      Doc merged({.client_id = 5});
      REQUIRE(merged.apply_update(merge_updates_v1(all).value()));
      expect(merged, history);
      // What is there already, then all of it: the first struct that is new begins in the middle.
      Doc partly({.client_id = 5});
      for (std::size_t i = 0; i < all.size() / 3; ++i) REQUIRE(partly.apply_update(all[i]));
      REQUIRE(partly.apply_update_v2(history.v2));
      expect(partly, history);
      // The second half first: it waits.
      Doc late({.client_id = 5});
      REQUIRE(late.apply_update(diff_update_v1(history.v1, history.half).value()));
      REQUIRE(late.apply_update(history.v1));
      expect(late, history);
    }
  }

  TEST_CASE("an update that is bad somewhere changes nothing") {
    const History history = write(6, 400, false);
    SeededRandom random(9);
    int refused = 0;
    for (int round = 0; round < 400; ++round) {
      const bool v1 = round % 2 == 0;
      Buffer bad = v1 ? history.v1 : history.v2;
      if (random.below(4) == 0) {
        bad.resize(random.below(bad.size()));
      } else {
        bad[random.below(bad.size())] = static_cast<std::uint8_t>(random.below(256));
      }
      Doc doc({.client_id = 5});
      if (round % 4 < 2) REQUIRE(doc.apply_update(history.updates[0]));
      const Buffer before = doc.encode_state_as_update();
      if (v1 ? doc.apply_update(bad) : doc.apply_update_v2(bad)) continue;
      ++refused;
      REQUIRE(doc.encode_state_as_update() == before);
      REQUIRE(doc.apply_update(history.v1));
      expect(doc, history);
    }
    CHECK(refused > 50);
  }
}

}  // namespace diaryx::crdt
