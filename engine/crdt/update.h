// Updates without a document: merge, diff, state vectors (Yjs' mergeUpdates, diffUpdate,
// encodeStateVectorFromUpdate, …).
#pragma once

#include <cstdint>
#include <map>
#include <span>

#include "engine/base/bytes.h"
#include "engine/base/result.h"

namespace diaryx::crdt {

// Bytes equal Y.mergeUpdates where the inputs allow it (see docs/crdt.md).
Result<Buffer> merge_updates_v1(std::span<const Bytes> updates);
Result<Buffer> diff_update_v1(Bytes update, Bytes state_vector);
Result<Buffer> state_vector_from_update_v1(Bytes update);

// Client → next clock.
using ClockMap = std::map<std::uint64_t, std::uint64_t>;
Result<ClockMap> decode_state_vector(Bytes state_vector);
Buffer encode_state_vector(const ClockMap& clocks);  // Highest client first, as Yjs writes them.

// An update without structs and deletes: 00 00.
inline bool is_empty_update_v1(Bytes update) noexcept {
  return update.size() == 2 && update[0] == 0 && update[1] == 0;
}

}  // namespace diaryx::crdt
