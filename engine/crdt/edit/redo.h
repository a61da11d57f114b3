// Bringing a deleted item back: a new item with the same content at the old place. (redoItem,
// keepItem and followRedone of Yjs.)
//
// The old item stays deleted and gets a link to the new one (redone.h). Where the new one goes:
//
//   list   {left of the old item} new {old item, deleted}
//          If the list itself was brought back, the neighbours' successors in the new list count.
//   map    Behind the last item of its key, and only if all items since were undone or are about to
//          be: what somebody else wrote meanwhile is not overwritten.
#pragma once

#include <functional>
#include <unordered_set>

#include "engine/crdt/edit/integrate.h"
#include "engine/crdt/edit/redone_neighbours.h"
#include "engine/crdt/id_set.h"

namespace diaryx::crdt {

// Calls visit(ItemIx) for each struct in the set, in its order; items are cut at the borders of
// ranges. `visit` must not add or remove structs. (iterateDeletedStructs of Yjs.)
template <class Visit>
void for_each_struct(State& state, const IdSet& set, Visit visit) {
  for (const IdSet::Client& entry : set.clients()) {
    for (const IdSet::Range& range : entry.ranges) {
      for (Clock clock = range.clock; clock < range.end();) {
        const ItemIx ix = item_clean_start(state, {entry.client, clock});
        const Clock end = std::min(state.items[ix].end(), range.end());
        item_clean_end(state, {entry.client, end - 1});
        clock = end;
        visit(ix);
      }
    }
  }
}

// Sets or clears Item::kKeep of an item and of all types that it lies in.
void keep_item(State& state, ItemIx ix, bool keep);

// The item that stands for the first unit of `ix` today, after any number of redos; cut so that it
// begins there. It may be deleted, or a GC.
ItemIx follow_redone(State& state, ItemIx ix);

// Brings items back, inside one transaction.
class Redo {
 public:
  struct Task {
    const std::unordered_set<ItemIx>& items;  // All that is to be brought back.
    const IdSet& insertions;                  // What is to be deleted.
    bool ignore_remote_map_changes;
    std::function<bool(Id)> deleted_by_stack;  // By some step of an undo or redo stack.
  };

  // Borrows what `task` refers to.
  Redo(State& state, Task task) : state_(state), task_(std::move(task)) {}

  // Returns the new item, also if it was made before; kNone if that cannot be.
  ItemIx item(ItemIx ix);

 private:
  using Place = RedoneNeighbours::Place;

  ItemIx item_in_parent(ItemIx ix);
  std::optional<Place> list_place(ItemIx ix, BranchIx parent);
  std::optional<Place> map_place(ItemIx ix, BranchIx parent);

  State& state_;
  Task task_;
  std::unordered_map<BranchIx, RedoneNeighbours> neighbours_;  // By the list that was deleted.
};

}  // namespace diaryx::crdt
