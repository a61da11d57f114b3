// Is every link, length and index of a document as it must be?
#pragma once

#include "engine/crdt/state.h"

namespace diaryx::crdt {

// Corrupt, with what is wrong.
Status check_document(const State& state);

}  // namespace diaryx::crdt
