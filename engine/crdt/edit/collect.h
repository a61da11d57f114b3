// After a transaction: forgetting deleted content, and merging what became neighbours.
#pragma once

#include "engine/crdt/state.h"

namespace diaryx::crdt {

// Nobody will ask what was deleted: content may go while the transaction runs.
inline bool collects_at_once(const State& state) noexcept {
  return state.options.gc && !state.keeps_deleted();
}
// A deleted item forgets what it held. (A type is more work: collect_deleted.)
inline void drop_content(Item& item) noexcept {
  item.kind = Kind::Deleted;
  item.content = 0;
  item.content_size = 0;
}

// Replaces the content of what lies deleted in `range` by its length; what was inside deleted types
// becomes GC.
void collect_deleted(State& state, const DeleteRange& range);

// Makes the item or gap one with its neighbours if it can be, as Yjs does when a transaction ends.
void merge_around(State& state, ItemIx ix);

// Sorts by client (highest id first) and clock, and joins ranges that touch or overlap.
void sort_and_join(const StructStore& store, std::vector<DeleteRange>& ranges);

}  // namespace diaryx::crdt
