// Replicas edit at random, undo, restart, and exchange updates over a network that loses, delays
// and repeats them; some collect garbage, some do not. When everything has got through, all of them
// hold the same.
//
// DIARYX_SEED replays one world, DIARYX_SEEDS says how many to try (tests/support/soak.mjs).
#include <algorithm>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "engine/base/random.h"
#include "engine/crdt/doc.h"
#include "engine/crdt/undo.h"
#include "engine/crdt/update.h"
#include "tests/support/canonical.h"
#include "tests/support/random_edits.h"
#include "tests/support/sorted_any.h"

namespace diaryx::test {
namespace {

using namespace crdt;

struct Parcel {
  Buffer update;
  bool v2;
};

struct Peer {
  std::uint64_t client = 0;
  bool gc = true;
  std::unique_ptr<Doc> doc;
  std::unique_ptr<UndoManager> undo;  // Must go before the document.
  std::vector<Parcel> inbox;
};

Buffer ok(Result<Buffer> result) {
  if (!result) FAIL(result.error().message);
  return std::move(*result);
}

class World {
 public:
  explicit World(std::uint64_t seed) : random_(seed), edits_(random_) {
    peers_.resize(2 + random_.below(7));
    const std::uint64_t gc = random_.below(3);  // All collect, none does, mixed.
    for (std::size_t i = 0; i < peers_.size(); ++i) {
      peers_[i].client =
          random_.below(8) == 0 ? (1ULL << 53U) - 1 - i : 100 * (i + 1) + random_.below(90);
      peers_[i].gc = gc == 0 || (gc == 2 && one_in(2));
      start(i, nullptr);
    }
  }

  void run(int steps) {
    for (int i = 0; i < steps; ++i) {
      const std::size_t who = random_.below(peers_.size());
      INFO("step ", i, ", replica ", who);
      step(who);
      const Status sound = peers_[who].doc->check_invariants();
      if (!sound) FAIL(sound.error().message);
    }
    settle();
  }

 private:
  bool one_in(std::uint64_t n) { return random_.below(n) == 0; }
  Peer& any_peer() { return peers_[random_.below(peers_.size())]; }

  // A new document; with all that `known` held before.
  void start(std::size_t who, const Parcel* known) {
    Peer& peer = peers_[who];
    peer.undo.reset();
    peer.doc = std::make_unique<Doc>(DocOptions{.client_id = peer.client, .gc = peer.gc});
    RandomEdits::declare_roots(*peer.doc);
    if (known != nullptr) take(peer, *known);
    peer.undo = std::make_unique<UndoManager>(*peer.doc);
    peer.doc->observe([this, who](const TransactionSummary& summary) {
      // What it heard from others it passes on sometimes.
      if (!summary.local && !one_in(10)) return;
      for (std::size_t to = 0; to < peers_.size(); ++to) {
        if (to != who) post(peers_[to], summary);
      }
    });
  }

  void post(Peer& to, const TransactionSummary& summary) {
    if (one_in(6)) return;  // Lost.
    const bool v2 = one_in(2);
    for (int copies = one_in(10) ? 2 : 1; copies > 0; --copies)
      to.inbox.push_back({v2 ? summary.update_v2() : to_buffer(summary.update), v2});
  }

  void take(Peer& peer, const Parcel& parcel) {
    const Status taken = parcel.v2 ? peer.doc->apply_update_v2(parcel.update)
                                   : peer.doc->apply_update(parcel.update);
    if (!taken) FAIL(taken.error().message);
  }

  void step(std::size_t who) {
    Peer& peer = peers_[who];
    const std::uint64_t choice = random_.below(100);
    if (choice < 50) return edit(peer);
    if (choice < 55) return undo(peer);
    if (choice < 75) return deliver(peer);
    if (choice < 82) return deliver_merged(peer);
    if (choice < 90) return sync(any_peer(), peer);
    if (choice < 93) return sync_partly(any_peer(), peer);
    if (choice < 96) return sync_without_document(any_peer(), peer);
    if (choice < 98) return check_measures(peer);
    restart(who);
  }

  void edit(Peer& peer) {
    const std::uint64_t count = one_in(15) ? 20 : random_.below(3) + 1;
    peer.doc->transact([&] {
      for (std::uint64_t n = 0; n < count; ++n) edits_.edit(*peer.doc);
    });
  }

  void undo(Peer& peer) {
    peer.undo->stop_capturing();
    if (one_in(3)) {
      (void)peer.undo->redo();
    } else {
      (void)peer.undo->undo();
    }
    if (one_in(20)) peer.undo->clear();
  }

  // Any parcel of the inbox; it may stay there and come again.
  Parcel pick(Peer& peer) {
    const std::size_t at = random_.below(peer.inbox.size());
    Parcel parcel = peer.inbox[at];
    if (!one_in(10)) peer.inbox.erase(peer.inbox.begin() + static_cast<std::ptrdiff_t>(at));
    return parcel;
  }

  void deliver(Peer& peer) {
    if (!peer.inbox.empty()) take(peer, pick(peer));
  }

  void deliver_merged(Peer& peer) {
    const bool v2 = one_in(2);
    std::vector<Buffer> updates;
    for (std::uint64_t n = 2 + random_.below(4); n > 0 && !peer.inbox.empty(); --n) {
      Parcel parcel = pick(peer);
      if (parcel.v2 != v2)
        parcel.update = ok(v2 ? convert_v1_to_v2(parcel.update) : convert_v2_to_v1(parcel.update));
      updates.push_back(std::move(parcel.update));
    }
    if (updates.empty()) return;
    const std::vector<Bytes> views(updates.begin(), updates.end());
    Buffer merged = ok(v2 ? merge_updates_v2(views) : merge_updates_v1(views));
    if (one_in(3)) {
      const Buffer known = peer.doc->encode_state_vector();
      merged = ok(v2 ? diff_update_v2(merged, known) : diff_update_v1(merged, known));
    }
    take(peer, {std::move(merged), v2});
  }

  static Buffer encode(const Doc& doc, Bytes known, bool v2) {
    return ok(v2 ? doc.encode_state_as_update_v2(known) : doc.encode_state_as_update(known));
  }

  void sync(const Peer& from, Peer& to) {
    const bool v2 = one_in(2);
    take(to, {encode(*from.doc, to.doc->encode_state_vector(), v2), v2});
  }

  // What somebody else lacks: not all that the receiver lacks, or more.
  void sync_partly(const Peer& from, Peer& to) {
    const bool v2 = one_in(2);
    take(to, {encode(*from.doc, any_peer().doc->encode_state_vector(), v2), v2});
  }

  void sync_without_document(const Peer& from, Peer& to) {
    const bool v2 = one_in(2);
    const Buffer all =
        v2 ? from.doc->encode_state_as_update_v2() : from.doc->encode_state_as_update();
    const Buffer known = to.doc->encode_state_vector();
    take(to, {ok(v2 ? diff_update_v2(all, known) : diff_update_v1(all, known)), v2});
  }

  // What is said about the state without a document is what the document says.
  void check_measures(const Peer& peer) {
    if (peer.doc->has_pending()) return;
    const Buffer v1 = peer.doc->encode_state_as_update();
    const Buffer v2 = peer.doc->encode_state_as_update_v2();
    CHECK(ok(state_vector_from_update_v1(v1)) == peer.doc->encode_state_vector());
    CHECK(ok(state_vector_from_update_v2(v2)) == peer.doc->encode_state_vector());
    CHECK(ok(convert_v2_to_v1(v2)) == ok(convert_v2_to_v1(ok(convert_v1_to_v2(v1)))));
  }

  // From its own state, what waits included; under its old name or a new one.
  void restart(std::size_t who) {
    Peer& peer = peers_[who];
    const bool v2 = one_in(2);
    const Parcel state{
        v2 ? peer.doc->encode_state_as_update_v2() : peer.doc->encode_state_as_update(), v2};
    if (one_in(2) && peer.client < 1ULL << 52U) peer.client += 7 + 1000 * random_.below(5);
    start(who, &state);
  }

  void settle() {
    for (Peer& peer : peers_) {
      while (!peer.inbox.empty() && !one_in(20)) deliver(peer);
    }
    for (int round = 0; round < 2; ++round) {
      for (const Peer& from : peers_) {
        for (Peer& to : peers_) {
          if (&from != &to) sync(from, to);
        }
      }
    }
    for (std::size_t i = 0; i < peers_.size(); ++i) {
      INFO("replica ", i);
      CHECK_FALSE(peers_[i].doc->has_pending());
      const Status sound = peers_[i].doc->check_invariants();
      if (!sound) FAIL(sound.error().message);
      compare(*peers_[i].doc, *peers_[0].doc);
    }
  }

  static void compare(Doc& doc, Doc& first) {
    CHECK(doc.encode_state_vector() == first.encode_state_vector());
    for (const char* root : {"text", "rich"}) {
      CHECK(doc.text(root).to_string() == first.text(root).to_string());
      CHECK(doc.text(root).length() == first.text(root).length());
      CHECK(shown(doc.text(root)) == shown(first.text(root)));
    }
    CHECK(sorted(to_any(doc.map("map").ref())) == sorted(to_any(first.map("map").ref())));
    CHECK(sorted(to_any(doc.array("array").ref())) == sorted(to_any(first.array("array").ref())));
    const auto nodes = [](Doc& of) { return Xml(of.root("xml", TypeKind::XmlFragment).value()); };
    CHECK(nodes(doc).to_string() == nodes(first).to_string());
    CHECK(canonical_state(doc) == canonical_state(first));
  }

  // The delta of a text, types left out: texts and attributes.
  static codec::Any shown(Text text) {
    codec::AnyArray ops;
    for (const DeltaOp& op : text.to_delta()) {
      codec::Any inserted = codec::Null{};
      if (const auto* letters = std::get_if<std::string>(&op.insert)) inserted = *letters;
      if (const auto* embed = std::get_if<codec::Any>(&op.insert)) inserted = *embed;
      ops.emplace_back(codec::AnyArray{std::move(inserted), op.attributes});
    }
    return sorted(codec::Any(std::move(ops)));
  }

  SeededRandom random_;
  RandomEdits edits_;
  std::vector<Peer> peers_;
};

}  // namespace

TEST_SUITE("simulation/replicas") {
  TEST_CASE("whatever the network does, in the end all replicas hold the same") {
    const auto setting = [](const char* name, std::uint64_t otherwise) {
      const char* value = std::getenv(name);
      return value != nullptr ? std::strtoull(value, nullptr, 10) : otherwise;
    };
    const std::uint64_t first = setting("DIARYX_SEED", 1);
    const std::uint64_t count =
        setting("DIARYX_SEEDS", std::getenv("DIARYX_SEED") != nullptr ? 1 : 30);
    MESSAGE("seeds ", first, " to ", first + count - 1);
    for (std::uint64_t seed = first; seed < first + count; ++seed) {
      CAPTURE(seed);
      World(seed).run(seed % 10 == 0 ? 1500 : 250);
    }
  }
}

}  // namespace diaryx::test
