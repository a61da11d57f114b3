// Integrating what texts and maps are made of: many runs, or entries, of one client, one after the
// other.
//
// What integrate_staged() asks anew for each struct is here asked once for a row of them: who made
// them, up to which clock we know him, which list they are in. The first struct that is anything
// else ends the row.
#pragma once

#include "engine/crdt/state.h"
#include "engine/crdt/structs/section_index.h"

namespace diaryx::crdt {

// Integrates structs at the front of `section` as long as each is a run of text, or what is left of
// one, whose neighbours are there, whole, and still side by side, or what was set in a map, as the
// first under its key or in place of the newest. `index`: of the section, or of nothing. The
// section is not empty.
void integrate_runs(State& state, Section& section, const SectionIndex& index);

}  // namespace diaryx::crdt
