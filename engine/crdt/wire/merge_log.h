// Merging a log: updates v1 in the order in which they were made.
//
// What a server has stored for a document is such a log: every update begins where the last one of
// its client ended. Then nothing has to be sorted, compared or taken apart: each client's structs
// are copied one behind the other, and the clients written one behind the other, highest id first.
//
//   5@0 "h"   7@0 "x"   5@1 "i"     →     7: "x"   5: "h" "i"
//
// O(octets) time and memory.
#pragma once

#include <optional>
#include <span>

#include "engine/base/bytes.h"

namespace diaryx::crdt {

// The octets that merge_updates_v1() gives, byte for byte those of Yjs; nothing if the updates are
// no such log, are malformed, or hold what has to be rewritten: then that function goes its usual
// way.
std::optional<Buffer> merge_log(std::span<const Bytes> updates);

}  // namespace diaryx::crdt
