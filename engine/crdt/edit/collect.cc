#include "engine/crdt/edit/collect.h"

#include <algorithm>

#include "engine/crdt/edit/position.h"

namespace diaryx::crdt {
namespace {

// `ix` becomes a gap. Its branch is gone, so no link needs mending. Content that is a type is the
// caller's.
void turn_to_gc(State& state, ItemIx ix) {
  Item& item = state.items[ix];
  Item gc;
  gc.set_clock(item.clock);
  gc.set_length(item.length);
  gc.client = item.client;
  gc.set(Item::kDeleted);
  item = gc;
  note_may_merge(state, ix);
}

// Everything below `top` becomes GC.
void collect_branch(State& state, BranchIx top) {
  std::vector<BranchIx>& stack = state.branch_stack;
  const std::size_t bottom = stack.size();
  stack.push_back(top);
  const auto sink = [&](ItemIx ix) {
    if (state.items[ix].kind == Kind::Type) stack.push_back(state.items[ix].content);
    turn_to_gc(state, ix);
  };
  while (stack.size() > bottom) {
    const BranchIx branch_ix = stack.back();
    stack.pop_back();
    list_cleared(state, branch_ix);
    Branch& branch = state.branches[branch_ix];
    for (ItemIx ix = branch.start; ix != kNone;) {
      const ItemIx next = state.items[ix].right;
      sink(ix);
      ix = next;
    }
    for (const MapEntries::Entry& entry : branch.map) {
      for (ItemIx ix = entry.last; ix != kNone;) {
        const ItemIx next = state.items[ix].left;
        sink(ix);
        ix = next;
      }
    }
    branch.start = kNone;
    branch.end = kNone;
    branch.map.clear();
    branch.length = 0;
  }
}

bool kind_merges(Kind kind) noexcept {
  return kind == Kind::String || kind == Kind::Any || kind == Kind::Json || kind == Kind::Deleted;
}

// Two that hang in a list or chain, `right` right of `left`.
bool are_one(const Item& left, const Item& right) noexcept {
  return left.kind == right.kind && left.client == right.client && left.end() == right.clock &&
         kind_merges(left.kind) && left.deleted() == right.deleted() && !left.has(Item::kRedone) &&
         !right.has(Item::kRedone) && right.origin_is(left.last_id()) &&
         left.same_right_origin(right);
}

// `right` becomes part of `left`.
void merge_items(State& state, ItemIx left_ix, ItemIx right_ix) {
  Item& left = state.items[left_ix];
  const Item& right = state.items[right_ix];
  if (left.parent_sub == kNone) {
    list_merging(state, left_ix, right_ix);
  } else if (MapEntries::Entry* entry = state.branches[left.parent].map.find(left.parent_sub);
             entry->last == right_ix) {
    entry->last = left_ix;
  }
  ClockList& structs = state.store[right.client].structs;
  structs.erase(structs.find(right.clock));
  join_content(state.arena, left, right);
  left.set_length(left.length + right.length);
  if (right.has(Item::kKeep)) left.set(Item::kKeep);
  left.right = right.right;
  if (left.right != kNone) {
    state.items[left.right].left = left_ix;
  } else if (left.parent_sub == kNone) {
    state.branches[left.parent].end = left_ix;
  }
  state.items.free(right_ix);
}

// A gap, its neighbours by clock being gaps too, becomes one with them.
void merge_gaps(State& state, ItemIx ix) {
  ClockList& structs = state.store[state.items[ix].client].structs;
  ClockList::Place place = structs.find(state.items[ix].clock);
  ClockList::Place other = place;
  while (structs.next(other) && state.items[structs.item(other)].is_gc()) {
    const ItemIx right = structs.item(other);
    state.items[ix].set_length(state.items[ix].length + state.items[right].length);
    structs.erase(other);
    state.items.free(right);
    other = place;
  }
  other = place;
  if (structs.previous(other) && state.items[structs.item(other)].is_gc()) {
    Item& left = state.items[structs.item(other)];
    left.set_length(left.length + state.items[ix].length);
    structs.erase(place);
    state.items.free(ix);
  }
}

}  // namespace

void collect_deleted(State& state, const DeleteRange& range) {
  const ClockList& structs = state.store[range.client].structs;
  const Clock end = range.clock + range.length;
  for (ClockList::Place place = structs.find(range.clock);;) {
    const ItemIx ix = structs[place].item;
    Item& item = state.items[ix];
    if (item.clock >= end) return;
    if (item.deleted() && !item.is_gc() && !item.has(Item::kKeep)) {
      if (item.kind == Kind::Type) collect_branch(state, item.content);
      drop_content(item);
    }
    if (!structs.next(place)) return;
  }
}

void merge_around(State& state, ItemIx ix) {
  if (state.items[ix].is_gc()) return merge_gaps(state, ix);
  // One that was merged already may have been about to be merged with what is right of it.
  for (ItemIx right = state.items[ix].right;
       right != kNone && are_one(state.items[ix], state.items[right]);
       right = state.items[ix].right) {
    merge_items(state, ix, right);
  }
  const ItemIx left = state.items[ix].left;
  if (left != kNone && are_one(state.items[left], state.items[ix])) merge_items(state, left, ix);
}

void sort_and_join(const StructStore& store, std::vector<DeleteRange>& ranges) {
  if (ranges.size() < 2) return;
  const auto before = [&store](const DeleteRange& a, const DeleteRange& b) {
    if (a.client != b.client) return store[a.client].id > store[b.client].id;
    return a.clock < b.clock;
  };
  if (!std::is_sorted(ranges.begin(), ranges.end(), before))
    std::stable_sort(ranges.begin(), ranges.end(), before);
  std::size_t kept = 0;
  for (std::size_t i = 1; i < ranges.size(); ++i) {
    DeleteRange& last = ranges[kept];
    const DeleteRange& range = ranges[i];
    if (last.client == range.client && last.clock + last.length >= range.clock) {
      last.length = std::max(last.length, range.clock + range.length - last.clock);
    } else {
      ranges[++kept] = range;
    }
  }
  ranges.resize(kept + 1);
}

}  // namespace diaryx::crdt
