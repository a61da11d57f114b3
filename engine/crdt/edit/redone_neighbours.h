// Of a deleted list that was brought back: which of its items were, in the order of the list.
//
// An item goes between the successors of its nearest neighbours that have one. Walking to them is
// quadratic when a long list comes back item by item; so its items are numbered once, and the
// numbers of those with a successor kept in a tree.
//
//   old list   [a] (b) [c] (d) (e)      (…): has a successor          d is looked for from [c] on,
//   tree             1       3   4                                    b from [c] back
//   new list        b'      d' e'
#pragma once

#include <set>
#include <unordered_map>
#include <vector>

#include "engine/crdt/state.h"

namespace diaryx::crdt {

// What `ix` was made anew as in the list of `parent`: itself if it is there; kNone if it was not.
// Cuts the successor if need be.
ItemIx trace_redone(State& state, ItemIx ix, BranchIx parent);

class RedoneNeighbours {
 public:
  struct Place {
    ItemIx left = kNone;
    ItemIx right = kNone;
  };

  // Of the list of `old_list`, which came back as `parent`.
  RedoneNeighbours(State& state, BranchIx old_list, BranchIx parent);

  BranchIx parent() const noexcept { return parent_; }
  // The successors between which `ix` goes, which has none yet.
  Place place_of(State& state, ItemIx ix) const;
  void add(ItemIx ix);  // It has one now.

 private:
  Place walk(State& state, ItemIx ix) const;

  BranchIx parent_;
  // Some item came back elsewhere: its successor may get one here at any time, unseen. Then the
  // list is walked.
  bool may_change_unseen_ = false;
  std::vector<ItemIx> items_;  // By number.
  std::unordered_map<ItemIx, std::uint32_t> numbers_;
  std::set<std::uint32_t> with_successor_;
};

}  // namespace diaryx::crdt
