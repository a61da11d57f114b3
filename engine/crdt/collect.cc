#include "engine/crdt/collect.h"

#include <algorithm>

#include "engine/crdt/position.h"

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
  state.transaction.merge_candidates.push_back(gc.id());
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

// `right` follows `left` in its client's clock.
bool try_merge(State& state, ItemIx left_ix, ItemIx right_ix) {
  Item& left = state.items[left_ix];
  const Item& right = state.items[right_ix];
  if (left.kind != right.kind) return false;
  if (left.is_gc()) {
    left.set_length(left.length + right.length);
    state.items.free(right_ix);
    return true;
  }
  if (!kind_merges(left.kind) || left.right != right_ix || left.deleted() != right.deleted() ||
      left.has(Item::kRedone) || right.has(Item::kRedone) || right.origin() != left.last_id() ||
      !left.same_right_origin(right)) {
    return false;
  }
  if (left.parent_sub == kNone) {
    list_merging(state, left_ix, right_ix);
  } else if (MapEntries::Entry* entry = state.branches[left.parent].map.find(left.parent_sub);
             entry->last == right_ix) {
    entry->last = left_ix;
  }
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
  return true;
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

void merge_structs(State& state, ClientIx client, Clock low, Clock high) {
  ClockList& structs = state.store[client].structs;
  ClockList::Place place = structs.find(std::min(high, state.store[client].state - 1));
  bool merged = false;
  for (;;) {
    const ClockList::Entry entry = structs[place];
    if (entry.clock < low && !merged) return;
    ClockList::Place before = place;
    if (!structs.previous(before)) return;
    merged = try_merge(state, structs[before].item, entry.item);
    if (merged) structs.erase(place);
    place = before;
  }
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
