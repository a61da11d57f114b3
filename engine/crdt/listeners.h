// Who listens to the types of a document, and telling them.
#pragma once

#include <map>

#include "engine/crdt/events.h"
#include "engine/crdt/id_set.h"
#include "engine/crdt/registry.h"

namespace diaryx::crdt {

// A transaction that is over, before anything of it is collected: Yjs' 'afterTransaction'.
struct AfterTransaction {
  // Types that changed and all that is above them, each once. (changedParentTypes of Yjs.)
  const std::vector<BranchIx>& changed;
  // What observers edited meanwhile is in neither.
  IdSet insertions, deletions;
};

struct Listeners {
  std::map<BranchIx, Registry<const Event&>> types;
  std::map<BranchIx, Registry<const Events&>> deep;
  Registry<const AfterTransaction&> after;
  Registry<const SubDocumentEvents&> documents;
  SubDocumentEvents document_events;  // Of the running transaction, once it is over.

  bool empty() const noexcept {
    return types.empty() && deep.empty() && after.empty() && documents.empty();
  }
};

// The clients of `ranges`, each once, in the order of their first ranges.
std::vector<ClientIx> clients_in_order(const std::vector<DeleteRange>& ranges);
// Calls them for the running transaction. Its deletes must be sorted and joined (collect.h).
void tell_listeners(Doc::State& state, const std::vector<ClientIx>& losers);
void tell_document_listeners(Doc::State& state);

}  // namespace diaryx::crdt
