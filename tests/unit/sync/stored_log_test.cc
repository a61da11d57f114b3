// However a log is taken in, the document is what its updates make it, one after the other.
#include "engine/sync/stored_log.h"

#include <doctest/doctest.h>

#include "engine/base/random.h"
#include "engine/crdt/update.h"

using namespace diaryx;
using sync::StoredLog;

namespace {

// What `clients` write and erase in one text, in turns, each update as it came: all know all.
std::vector<Buffer> typed(std::size_t clients, std::size_t steps, std::uint64_t seed) {
  SeededRandom random(seed);
  std::vector<std::unique_ptr<crdt::Doc>> docs;
  std::vector<Buffer> log;
  std::size_t writer = 0;
  for (std::size_t i = 0; i < clients; ++i) {
    docs.push_back(std::make_unique<crdt::Doc>(crdt::DocOptions{.client_id = 100 + i}));
    REQUIRE(docs.back()->root("body", crdt::TypeKind::Text));
    docs.back()->observe([&log](const crdt::TransactionSummary& summary) {
      if (summary.local) log.push_back(to_buffer(summary.update));
    });
  }
  for (std::size_t i = 0; i < steps; ++i) {
    writer = random.below(clients);
    crdt::Text text = docs[writer]->text("body");
    const std::uint64_t length = text.length();
    if (length > 10 && random.below(4) == 0) {
      text.erase(random.below(length - 3), 1 + random.below(3));
    } else {
      text.insert(random.below(length + 1), std::string(1 + random.below(9), 'a'));
    }
    for (std::size_t k = 0; k < clients; ++k) {
      if (k != writer) REQUIRE(docs[k]->apply_update(log.back()));
    }
  }
  return log;
}

Status take_all(crdt::Doc& doc, const std::vector<Buffer>& log) {
  StoredLog stored(doc);
  std::int64_t seq = 0;
  for (const Buffer& update : log) DX_TRY_OK(stored.add({++seq, update}));
  return stored.take_in();
}

void check_same(const std::vector<Buffer>& log) {
  crdt::Doc one(crdt::DocOptions{.client_id = 1});
  for (const Buffer& update : log) REQUIRE(one.apply_update(update));
  crdt::Doc all(crdt::DocOptions{.client_id = 1});
  REQUIRE(take_all(all, log));
  CHECK(all.check_invariants());
  CHECK(all.has_pending() == one.has_pending());
  CHECK(all.encode_state_vector() == one.encode_state_vector());
  REQUIRE(one.root("body", crdt::TypeKind::Text));
  REQUIRE(all.root("body", crdt::TypeKind::Text));
  CHECK(all.text("body").to_string() == one.text("body").to_string());
  if (!one.has_pending()) CHECK(all.encode_state_as_update() == one.encode_state_as_update());
}

}  // namespace

TEST_SUITE("sync/stored_log") {
  TEST_CASE("a log that is merged on its way makes the document that its updates make") {
    check_same({});
    for (std::uint64_t seed = 1; seed <= 20; ++seed) check_same(typed(1 + seed % 4, 300, seed));
    check_same(typed(2, 6'000, 77));  // More than is merged at a time.
  }

  TEST_CASE("what comes twice, too early, or alone for its size is in its place all the same") {
    std::vector<Buffer> log = typed(3, 200, 5);
    log.insert(log.begin() + 50, log[20]);
    std::swap(log[100], log[130]);
    check_same(log);
    log.erase(log.begin() + 150);  // From there on some of it waits.
    check_same(log);
    log = typed(1, 20, 6);
    crdt::Doc doc(crdt::DocOptions{.client_id = 100});
    REQUIRE(doc.root("body", crdt::TypeKind::Text));
    for (const Buffer& update : log) REQUIRE(doc.apply_update(update));
    const Buffer known = doc.encode_state_vector();
    doc.transact([&] { doc.text("body").insert(0, std::string(50'000, 'x')); });
    log.push_back(*doc.encode_state_as_update(known));
    const Buffer then = doc.encode_state_vector();
    doc.transact([&] { doc.text("body").insert(25'000, "y"); });
    log.push_back(*doc.encode_state_as_update(then));
    check_same(log);
  }

  TEST_CASE("an update that is none is named by its number") {
    std::vector<Buffer> log = typed(2, 30, 9);
    log[17] = {1, 2, 3};
    crdt::Doc doc(crdt::DocOptions{.client_id = 1});
    const Status status = take_all(doc, log);
    REQUIRE_FALSE(status);
    CHECK(status.error().code == ErrorCode::Corrupt);
    CHECK(status.error().message.find("stored update 18: ") == 0);
  }
}
