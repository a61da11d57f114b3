// From an index in a list to the item that is there.
#pragma once

#include "engine/crdt/state.h"

namespace diaryx::crdt {

struct ListPosition {
  ItemIx item = kNone;       // Holds the unit before the position; none at the very front.
  std::uint64_t offset = 0;  // Units of `item` that are before the position: 1 .. its length.
};

// The place behind the first `index` visible units. `index` <= length of the list.
ListPosition find_position(State& state, BranchIx branch, std::uint64_t index);
// Visible units before a list item.
std::uint64_t index_of(const State& state, ItemIx ix);

// What must be told about every change of a list. "Visible" as in Item::visible_length().
void list_inserted(State& state, ItemIx ix);  // Linked in; its visible length is new.
// Its visible length changed.
inline void list_resized(State& state, Branch& branch, ItemIx ix, std::int64_t delta) {
  if (ix != branch.cursor) branch.cursor = kNone;
  if (branch.index.exists()) state.index.add(ix, delta);
}
inline void list_resized(State& state, ItemIx ix, std::int64_t delta) {
  list_resized(state, state.branches[state.items[ix].parent], ix, delta);
}
void list_split(State& state, ItemIx left, ItemIx right);  // `right` was cut off `left`.
void list_merging(State& state, ItemIx left,
                  ItemIx right);  // `right` is about to become part of `left`.
void list_cleared(State& state, BranchIx branch);
// Remembers where an edit was: `index` visible units are before `ix`.
inline void set_cursor(State& state, BranchIx branch, ItemIx ix, std::uint64_t index) {
  state.branches[branch].cursor = ix;
  state.branches[branch].cursor_index = index;
}

}  // namespace diaryx::crdt
