#include "engine/crdt/edit/redone_neighbours.h"

#include "engine/crdt/edit/integrate.h"

namespace diaryx::crdt {

ItemIx trace_redone(State& state, ItemIx ix, BranchIx parent) {
  while (ix != kNone && state.items[ix].parent != parent) {
    const Item& item = state.items[ix];
    ix = item.has(Item::kRedone) ? item_clean_start(state, state.redone.find(item)) : kNone;
  }
  return ix;
}

RedoneNeighbours::RedoneNeighbours(State& state, BranchIx old_list, BranchIx parent)
    : parent_(parent) {
  for (ItemIx ix = state.branches[old_list].start; ix != kNone; ix = state.items[ix].right) {
    const auto number = static_cast<std::uint32_t>(items_.size());
    items_.push_back(ix);
    numbers_.emplace(ix, number);
    if (!state.items[ix].has(Item::kRedone)) continue;
    if (trace_redone(state, ix, parent) != kNone) {
      with_successor_.insert(number);
    } else {
      may_change_unseen_ = true;
    }
  }
}

RedoneNeighbours::Place RedoneNeighbours::walk(State& state, ItemIx ix) const {
  Place place;
  for (ItemIx at = state.items[ix].left; at != kNone && place.left == kNone;
       at = state.items[at].left) {
    place.left = trace_redone(state, at, parent_);
  }
  for (ItemIx at = ix; at != kNone && place.right == kNone; at = state.items[at].right)
    place.right = trace_redone(state, at, parent_);
  return place;
}

RedoneNeighbours::Place RedoneNeighbours::place_of(State& state, ItemIx ix) const {
  const auto number = numbers_.find(ix);
  // An item that was cut since has halves without a number.
  if (may_change_unseen_ || number == numbers_.end()) return walk(state, ix);
  Place place;
  const auto after = with_successor_.lower_bound(number->second);
  if (after != with_successor_.end()) place.right = trace_redone(state, items_[*after], parent_);
  if (after != with_successor_.begin()) {
    ItemIx left = items_[*std::prev(after)];
    for (ItemIx half = state.items[left].right; half != kNone && !numbers_.contains(half);
         half = state.items[half].right) {
      left = half;
    }
    place.left = trace_redone(state, left, parent_);
  }
  return place;
}

void RedoneNeighbours::add(ItemIx ix) {
  if (const auto number = numbers_.find(ix); number != numbers_.end())
    with_successor_.insert(number->second);
}

}  // namespace diaryx::crdt
