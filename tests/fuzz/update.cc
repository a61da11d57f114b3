// Updates from outside: refused without a trace, or accepted with a document that keeps all
// promises and can be edited.
#include "engine/crdt/update.h"

#include "engine/base/hash.h"
#include "tests/compat/memory_meter.h"
#include "tests/fuzz/document.h"
#include "tests/fuzz/target.h"

namespace diaryx::fuzz {
namespace {

using namespace crdt;

constexpr MemoryBound kV1Memory{std::size_t{64} << 10U, 256};
// A run in a column may stand for many structs: up to 262,144 in the smallest update.
constexpr MemoryBound kV2Memory{std::size_t{64} << 20U, 256};

Status apply(Doc& doc, Bytes update, bool v2) {
  return v2 ? doc.apply_update_v2(update) : doc.apply_update(update);
}

// Returns whether it was taken.
bool feed(Doc& doc, Bytes update, bool v2) {
  const Buffer before = doc.encode_state_as_update();
  const compat::MemoryMeter memory;
  const Status applied = apply(doc, update, v2);
  check_memory(v2 ? kV2Memory : kV1Memory, update.size(), memory.peak());
  if (!applied) {
    DX_CHECK(doc.encode_state_as_update() == before);
    must(doc.check_invariants(), "invariants");
  }
  return applied.has_value();
}

void fuzz(Bytes input, bool v2) {
  // How the documents are set up depends on the input, so that one input always does the same.
  const std::uint64_t hash = stable_hash64(as_text(input));
  Doc fresh({.client_id = 1, .gc = (hash & 1U) == 0, .clean_formats = (hash & 2U) == 0});
  declare_roots(fresh);
  const bool taken = feed(fresh, input, v2);
  if (taken) {
    // They may refuse it: a Skip with more bits set is one for documents only, as in Yjs.
    (void)(v2 ? convert_v2_to_v1(input) : convert_v1_to_v2(input));
    look_at(fresh);
    check_promises(fresh);
    // The same again is nothing new.
    const Buffer state = fresh.encode_state_as_update();
    DX_CHECK(apply(fresh, input, v2));
    DX_CHECK(fresh.encode_state_as_update() == state);
    edit_everywhere(fresh);
    check_promises(fresh);
  }
  Doc prepared({.client_id = 2, .gc = (hash & 4U) == 0, .clean_formats = (hash & 8U) == 0});
  declare_roots(prepared);
  DX_CHECK(prepared.apply_update(rich_update()));
  // Somebody watches: other ways are taken then.
  std::size_t told = 0;
  prepared.observe([&told](const TransactionSummary& summary) { told += summary.update.size(); });
  if (!feed(prepared, input, v2)) return;
  check_promises(prepared);
  edit_everywhere(prepared);
  look_at(prepared);
  check_promises(prepared);
}

}  // namespace

void fuzz_update_v1(Bytes input) {
  fuzz(input, false);
}

void fuzz_update_v2(Bytes input) {
  fuzz(input, true);
}

}  // namespace diaryx::fuzz
