// Applying an update: integrating what can be, parking what cannot.
#pragma once

#include "engine/crdt/wire/decode.h"

namespace diaryx::crdt {

// Decodes and checks all of it first: an error leaves the document as it was. But for
// LimitExceeded by State::most_rivals: then some of it was applied, and the rest is gone.
Status apply_update(State& state, Format format, Bytes update, Origin origin);

// All that waits, as one update; empty if nothing does.
Buffer pending_update(const State& state);

}  // namespace diaryx::crdt
