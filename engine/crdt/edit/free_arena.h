// Content that nothing refers to any more leaves the arena.
#pragma once

#include "engine/crdt/state.h"

namespace diaryx::crdt {

// Cheap unless the arena has grown by 16 MiB and its own size since the last time; then it costs as
// much as there are items and octets. No transaction may run.
//
// What is deleted, moved to a larger block, or came a second time with a struct of which only the
// end was new leaves octets behind. Without this a peer could have a document of one character take
// all memory.
void free_arena(State& state);

}  // namespace diaryx::crdt
