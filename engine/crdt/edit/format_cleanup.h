// What Yjs clients do after a remote transaction on rich text: delete format marks that became
// useless, in a transaction of their own, which they send to everybody. Off unless DocOptions ask
// for it: a server leaves it to the clients.
#pragma once

#include <vector>

#include "engine/crdt/state.h"

namespace diaryx::crdt {

struct FormatCleanup {
  bool due = false;             // A rich text was changed from outside.
  std::vector<BranchIx> whole;  // Texts that got or lost a mark.
  std::vector<Id> gaps;         // Deleted items of other rich texts.
};

// What the running transaction gives reason to clean; to be called before it collects what it
// deleted. `losers`: the clients that lost something, in the order in which they first did.
FormatCleanup plan_format_cleanup(const State& state, const std::vector<ClientIx>& losers);
// Does it, as part of the running transaction, which should be the next one.
void run_format_cleanup(State& state, const FormatCleanup& plan);

}  // namespace diaryx::crdt
