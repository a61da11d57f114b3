// Applying an update: integrating what can be, parking what cannot.
#pragma once

#include "engine/crdt/wire/decode.h"

namespace diaryx::crdt {

// Decodes and checks all of it first: an error leaves the document as it was.
Status apply_update(State& state, Format format, Bytes update, Origin origin);

// All that waits, as one update; empty if nothing does.
Buffer pending_update(const State& state);

}  // namespace diaryx::crdt
