// What replicas must agree on, whatever each has collected and in whatever order its keys arrived.
#pragma once

#include "engine/base/check.h"
#include "engine/crdt/doc.h"

namespace diaryx::test {

// The state v1 as a replica has it that collects garbage and was given all of it at once. What is
// kept of deleted things, with GC off or for an UndoManager, is gone from it.
inline Buffer canonical_state(const crdt::Doc& doc) {
  crdt::Doc collected({.client_id = 0});
  DX_CHECK(collected.apply_update(doc.encode_state_as_update()));
  return collected.encode_state_as_update();
}

}  // namespace diaryx::test
