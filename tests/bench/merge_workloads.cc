// W5: updates merged and cut without a document.
//
// The result need not be the octets that Yjs makes of the same updates (b4.merged.v1,
// b4.merged.diff.v1): an update may hold the same structs in larger or smaller runs. It must give
// the same document, so what is checked is the document that it makes, to the last octet.
#include "engine/crdt/doc.h"
#include "engine/crdt/update.h"
#include "tests/bench/expect.h"
#include "tests/bench/workloads.h"

namespace diaryx::bench {
namespace {

void expect_document(const Data& data, std::initializer_list<Bytes> updates) {
  crdt::Doc doc({.client_id = 7});
  for (const Bytes update : updates) expect_ok(doc.apply_update(update), "the merged update");
  expect(!doc.has_pending(), "parts of the merged update wait for others");
  expect_text(data, doc, "b4.final.txt", "b4.v1");
}

Outcome merge(const std::vector<Bytes>& updates, Buffer& merged) {
  Outcome outcome;
  outcome.timing =
      measure([&] { merged = {}; }, [&] { merged = crdt::merge_updates_v1(updates).value(); });
  outcome.bytes = merged.size();
  return outcome;
}

}  // namespace

Outcome merge_all(const Data& data) {
  Buffer octets;
  std::vector<std::size_t> ends;
  for (EntryStream stream = data.entries("b4.updates"); stream.next();) {
    for (const Bytes update : stream.batch()) {
      octets.insert(octets.end(), update.begin(), update.end());
      ends.push_back(octets.size());
    }
  }
  std::vector<Bytes> updates;
  updates.reserve(ends.size());
  for (std::size_t start = 0; const std::size_t end : ends) {
    updates.push_back(Bytes(octets).subspan(start, end - start));
    start = end;
  }
  Buffer merged;
  const Outcome outcome = merge(updates, merged);
  expect_document(data, {merged});
  return outcome;
}

Outcome merge_halves(const Data& data) {
  const Buffer first = data.file("b4.half.v1");
  const Buffer rest = data.file("b4.diff.v1");
  Buffer merged;
  const Outcome outcome = merge({first, rest}, merged);
  expect_document(data, {merged});
  return outcome;
}

Outcome diff_merged(const Data& data) {
  const Buffer update = data.file("b4.merged.v1");
  const Buffer known = data.file("b4.half.sv");
  Outcome outcome;
  Buffer rest;
  outcome.timing =
      measure([&] { rest = {}; }, [&] { rest = crdt::diff_update_v1(update, known).value(); });
  outcome.bytes = rest.size();
  expect_document(data, {data.file("b4.half.v1"), rest});
  return outcome;
}

}  // namespace diaryx::bench
