// Updates without a document: merge, diff, state vectors, conversion (Yjs' mergeUpdates,
// diffUpdate, encodeStateVectorFromUpdate, …).
//
// Malformed if an update (or state vector) does not follow its format, to the last octet.
#pragma once

#include <cstdint>
#include <map>
#include <span>

#include "engine/base/bytes.h"
#include "engine/base/result.h"

namespace diaryx::crdt {

// Bytes equal Y.mergeUpdates where the inputs allow it (see docs/crdt.md).
Result<Buffer> merge_updates_v1(std::span<const Bytes> updates);
Result<Buffer> merge_updates_v2(std::span<const Bytes> updates);
// What a replica with that state vector lacks, and all deletes.
Result<Buffer> diff_update_v1(Bytes update, Bytes state_vector);
Result<Buffer> diff_update_v2(Bytes update, Bytes state_vector);
// How far the structs of each client reach from clock 0 on without a gap.
Result<Buffer> state_vector_from_update_v1(Bytes update);
Result<Buffer> state_vector_from_update_v2(Bytes update);
Result<Buffer> convert_v1_to_v2(Bytes update);
Result<Buffer> convert_v2_to_v1(Bytes update);

// Client → next clock.
using ClockMap = std::map<std::uint64_t, std::uint64_t>;
Result<ClockMap> decode_state_vector(Bytes state_vector);
Buffer encode_state_vector(const ClockMap& clocks);  // Highest client first, as Yjs writes them.

// Per client the first clock and the clock behind the last one (Yjs' parseUpdateMeta).
struct UpdateMeta {
  ClockMap from;
  ClockMap to;
};
Result<UpdateMeta> update_meta_v1(Bytes update);
Result<UpdateMeta> update_meta_v2(Bytes update);

// An update without structs and deletes: 00 00.
inline bool is_empty_update_v1(Bytes update) noexcept {
  return update.size() == 2 && update[0] == 0 && update[1] == 0;
}

}  // namespace diaryx::crdt
