// Where a new item goes. Read this first.
//
// A list is a chain of items. A new item knows what was left of it (origin) and right of it (right
// origin) when it was made. If others were put between the two meanwhile, all replicas must agree
// on an order: YATA, as Yjs has it.
//
//   {origin} b b {this?} c c {this?} c {right origin}
//
// Walking right from the origin, each item o that is in between is either
//   case 1: made at the same origin: the lower client id goes left; with an equal right origin the
//   search ends; case 2: made at an origin that lies in between: it belongs to what is left of it.
//   If that is no longer a rival
//           (we already went past it), we go past o too;
//   else:   its origin is left of ours, and so is its right to this place: the search ends.
// Yjs keeps two hash sets for this; we number the items that we walk over, which answers both
// questions.
#pragma once

#include "engine/crdt/state.h"

namespace diaryx::crdt {

// Cuts an item: `ix` keeps [0, offset), the new item has the rest. 0 < offset < length.
ItemIx split_item(State& state, ItemIx ix, std::uint64_t offset);
// The struct that begins at `id`, or ends at it; cut out of a larger item if need be (a GC is never
// cut).
ItemIx item_clean_start(State& state, Id id);
ItemIx item_clean_end(State& state, Id id);

// Does `item` (staged) name something that we do not have? The client that we miss; kNone if
// nothing is missing.
inline ClientIx missing_of(const State& state, const Item& item) noexcept {
  const auto missing = [&](Id id) {
    return id.client != item.client && !id.none() && id.clock >= state.store[id.client].state;
  };
  if (missing(item.origin())) return item.origin_client();  // Or the id of the parent.
  if (missing(item.right_origin())) return item.right_origin_client();
  return kNone;
}

// Puts a staged item whose dependencies are there into the document. `offset`: its first units are
// already there. Afterwards `ix` may be gone (merged into its left neighbour); a Type keeps its
// branch.
void integrate_staged(State& state, ItemIx ix, std::uint64_t offset);

// A new item of this replica between `left` and whatever is right of it now. `item` carries
// content, kind, length, flags, parent and parent_sub. Returns the item that now holds it: `left`
// itself if it could be extended.
ItemIx insert_local(State& state, ItemIx left, ItemIx right, Item item);

// Marks an item as deleted, and all that is in it.
void delete_item(State& state, ItemIx ix);

}  // namespace diaryx::crdt
