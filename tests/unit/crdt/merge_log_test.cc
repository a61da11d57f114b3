// Merging a log by copying gives what merging it piece by piece gives.
#include "engine/crdt/wire/merge_log.h"

#include <algorithm>

#include <doctest/doctest.h>

#include "engine/base/random.h"
#include "engine/crdt/doc.h"
#include "engine/crdt/update.h"
#include "tests/support/hex.h"

using namespace diaryx;
using namespace diaryx::crdt;

namespace {

std::vector<Bytes> views(const std::vector<Buffer>& updates) {
  return {updates.begin(), updates.end()};
}

// Few at a time, which merge_updates_v1() does struct by struct.
Buffer merged_slowly(const std::vector<Buffer>& updates) {
  Buffer all = updates[0];
  for (std::size_t i = 1; i < updates.size(); ++i) {
    const Bytes two[] = {all, updates[i]};
    all = merge_updates_v1(two).value();
  }
  return all;
}

// What three people make of a document that they all see at once.
std::vector<Buffer> log_of(std::uint64_t seed) {
  std::vector<Buffer> log;
  std::vector<std::unique_ptr<Doc>> docs;
  for (std::uint64_t i = 0; i < 3; ++i) {
    docs.push_back(std::make_unique<Doc>(DocOptions{.client_id = 100 * i + 7}));
    docs.back()->observe([&log](const TransactionSummary& s) {
      if (s.local) log.push_back(to_buffer(s.update));
    });
  }
  SeededRandom random(seed);
  for (int i = 0; i < 60; ++i) {
    Doc& doc = *docs[random.below(docs.size())];
    const std::size_t before = log.size();
    Text text = doc.text("t");
    switch (random.below(5)) {
      case 0:
        doc.map("m").set(random.below(2) == 0 ? "k" : "l", static_cast<double>(random.below(9)));
        break;
      case 1:
        doc.array("a").push({"x", true});
        break;
      case 2:
        if (text.length() > 0) text.erase(random.below(text.length()), 1);
        break;
      default:
        text.insert(random.below(text.length() + 1), random.below(3) == 0 ? "né" : "typed");
    }
    for (std::size_t k = before; k < log.size(); ++k) {
      for (const auto& other : docs) {
        if (other.get() != &doc) REQUIRE(other->apply_update(log[k]));
      }
    }
  }
  return log;
}

}  // namespace

TEST_SUITE("crdt/merge_log") {
  TEST_CASE("a log is copied together, with the octets of a merge") {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
      CAPTURE(seed);
      const std::vector<Buffer> log = log_of(seed);
      const std::optional<Buffer> merged = merge_log(views(log));
      REQUIRE(merged);
      CHECK(*merged == merged_slowly(log));
      CHECK(*merged == merge_updates_v1(views(log)).value());
    }
  }

  TEST_CASE("what is missing in between becomes a skip") {
    std::vector<Buffer> log = log_of(3);
    log.erase(log.begin() + 5, log.begin() + 9);
    const std::optional<Buffer> merged = merge_log(views(log));
    REQUIRE(merged);
    CHECK(*merged == merged_slowly(log));
  }

  TEST_CASE("what is no log goes the usual way, to the same document") {
    const std::vector<Buffer> log = log_of(4);
    std::vector<Buffer> twice = log;
    twice.insert(twice.end(), log.begin(), log.end());
    CHECK_FALSE(merge_log(views(twice)));
    std::vector<Buffer> backwards(log.rbegin(), log.rend());
    CHECK_FALSE(merge_log(views(backwards)));
    for (const auto& updates : {twice, backwards}) {
      Doc from_merged({.client_id = 1});
      Doc from_log({.client_id = 2});
      REQUIRE(from_merged.apply_update(merge_updates_v1(views(updates)).value()));
      for (const Buffer& update : log) REQUIRE(from_log.apply_update(update));
      CHECK(from_merged.encode_state_as_update() == from_log.encode_state_as_update());
    }
  }

  TEST_CASE("malformed octets anywhere, and numbers in a longer form, are no log") {
    const Buffer good = test::hex("01 01 05 00 04 01 01 74 02 68 69 00");
    REQUIRE(merge_log(views({good})));
    for (std::size_t size = 0; size < good.size(); ++size)
      CHECK_FALSE(merge_log(
          views({Buffer(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size))})));
    CHECK_FALSE(merge_log(views({test::hex("01 01 8500 00 04 01 01 74 02 68 69 00")})));
    CHECK_FALSE(merge_log(views({test::hex("01 01 05 00 04 01 01 74 02 c3 28 00")})));
    CHECK_FALSE(merge_log(views({test::hex("01 01 05 00 00 03 00")})));  // A gap may grow together.
  }
}
