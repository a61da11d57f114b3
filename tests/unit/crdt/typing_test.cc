// The short way of a key stroke gives the document, and tells the update, that the long way gives.
#include <algorithm>
#include <array>

#include <doctest/doctest.h>

#include "engine/base/random.h"
#include "engine/crdt/doc.h"
#include "engine/crdt/events.h"
#include "tests/support/hex.h"

using namespace diaryx;
using namespace diaryx::crdt;

namespace {

constexpr std::uint64_t kTypist = 77;

// What a person does at a keyboard: runs of characters, of backspaces and of deletes, and a jump
// now and then.
class Keyboard {
 public:
  explicit Keyboard(std::uint64_t seed) : random_(seed) {}

  // The same key for each document; all hold the same text.
  template <class... Docs>
  void press(std::uint64_t length, Docs&... docs) {
    if (random_.below(12) == 0) at_ = random_.below(length + 1);
    if (random_.below(6) == 0) mode_ = random_.below(4);
    at_ = std::min(at_, length);
    if (mode_ == 0 && at_ > 0) {
      --at_;
      (docs.text("t").erase(at_, 1), ...);
    } else if (mode_ == 1 && at_ < length) {
      (docs.text("t").erase(at_, 1), ...);
    } else {
      const std::string_view key = kKeys[random_.below(kKeys.size())];
      (docs.text("t").insert(at_, key), ...);
      at_ += key == "😀" ? 2 : key == "ab" ? 2 : 1;
    }
  }

 private:
  static constexpr std::array<std::string_view, 8> kKeys = {"a",  "b",  "c", " ",
                                                            "\n", "ab", "é", "😀"};
  SeededRandom random_;
  std::uint64_t at_ = 0;
  std::uint64_t mode_ = 3;
};

}  // namespace

TEST_SUITE("crdt/typing") {
  TEST_CASE("typed quickly, told quickly, and typed the long way: the same octets") {
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
      CAPTURE(seed);
      Doc unseen({.client_id = kTypist});
      Doc told({.client_id = kTypist});
      Doc slow({.client_id = kTypist});
      // An observer of events wants to see what was deleted: nothing can go the short way.
      slow.observe_deep(slow.text("t").ref(), [](const std::vector<const Event*>&) {});
      std::vector<Buffer> quick_updates;
      std::vector<Buffer> slow_updates;
      told.observe([&](const TransactionSummary& s) {
        CHECK(s.local);
        REQUIRE(s.changes().size() == 1);
        CHECK(s.changes()[0].type == told.text("t").ref());
        quick_updates.push_back(to_buffer(s.update));
      });
      slow.observe(
          [&](const TransactionSummary& s) { slow_updates.push_back(to_buffer(s.update)); });
      Keyboard keyboard(seed);
      for (int i = 0; i < 400; ++i) {
        keyboard.press(slow.text("t").length(), unseen, told, slow);
        REQUIRE(unseen.check_invariants());
      }
      CHECK(unseen.text("t").to_string() == slow.text("t").to_string());
      CHECK(unseen.encode_state_as_update() == slow.encode_state_as_update());
      CHECK(told.encode_state_as_update() == slow.encode_state_as_update());
      CHECK(quick_updates == slow_updates);
      CHECK(told.check_invariants());

      // The same for those who are sent it, one key stroke after the other.
      Doc reader({.client_id = 5});
      Doc relay({.client_id = 6});
      Doc watcher({.client_id = 7});
      std::vector<Buffer> relayed;
      relay.observe([&](const TransactionSummary& s) {
        CHECK(s.origin == 3);
        CHECK_FALSE(s.local);
        relayed.push_back(to_buffer(s.update));
      });
      watcher.observe_deep(watcher.text("t").ref(), [](const std::vector<const Event*>&) {});
      for (const Buffer& update : slow_updates) {
        REQUIRE(reader.apply_update(update));
        REQUIRE(relay.apply_update(update, 3));
        REQUIRE(watcher.apply_update(update));
        REQUIRE(reader.check_invariants());
      }
      CHECK(relayed == slow_updates);
      for (const Doc* doc : {&reader, &relay, &watcher})
        CHECK(doc->encode_state_as_update() == slow.encode_state_as_update());
    }
  }

  TEST_CASE("without collection a deleted character stays readable in the update") {
    Doc doc({.client_id = kTypist, .gc = false});
    Doc slow({.client_id = kTypist, .gc = false});
    slow.observe_deep(slow.text("t").ref(), [](const std::vector<const Event*>&) {});
    Keyboard keyboard(9);
    for (int i = 0; i < 200; ++i) keyboard.press(slow.text("t").length(), doc, slow);
    CHECK(doc.encode_state_as_update() == slow.encode_state_as_update());
  }

  TEST_CASE("two typists at one place, key by key: both end with the same") {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
      CAPTURE(seed);
      Doc a({.client_id = 1});
      Doc b({.client_id = 2});
      std::vector<Buffer> to_a;
      std::vector<Buffer> to_b;
      a.observe([&](const TransactionSummary& s) {
        if (s.local) to_b.push_back(to_buffer(s.update));
      });
      b.observe([&](const TransactionSummary& s) {
        if (s.local) to_a.push_back(to_buffer(s.update));
      });
      SeededRandom random(seed);
      Keyboard first(seed);
      Keyboard second(seed + 1000);
      for (int round = 0; round < 100; ++round) {
        for (std::uint64_t n = random.below(4); n > 0; --n) first.press(a.text("t").length(), a);
        for (std::uint64_t n = random.below(4); n > 0; --n) second.press(b.text("t").length(), b);
        for (const Buffer& update : to_a) REQUIRE(a.apply_update(update));
        for (const Buffer& update : to_b) REQUIRE(b.apply_update(update));
        to_a.clear();
        to_b.clear();
        REQUIRE(a.check_invariants());
        REQUIRE(a.encode_state_as_update() == b.encode_state_as_update());
      }
    }
  }
}
