#include "engine/crdt/edit/position.h"

namespace diaryx::crdt {
namespace {

// How far the cursor is worth walking; farther, the index is faster.
constexpr int kNear = 12;
// A list that makes us walk so far gets an index.
constexpr int kFar = 64;

// Walks from the item that has `before` units in front of it to the one that holds the unit before
// `index`, at most `steps` items far. Returns false if that was not enough.
bool walk(const State& state, ItemIx& ix, std::uint64_t& before, std::uint64_t index, int steps) {
  while (before >= index) {
    if (steps-- == 0) return false;
    ix = state.items[ix].left;
    before -= state.items[ix].visible_length();
  }
  for (;;) {
    const Item& item = state.items[ix];
    const std::uint64_t length = item.visible_length();
    if (index <= before + length) return true;
    if (steps-- == 0) return false;
    before += length;
    ix = item.right;
  }
}

}  // namespace

ListPosition find_position(State& state, BranchIx branch_ix, std::uint64_t index) {
  Branch& branch = state.branches[branch_ix];
  if (index == 0) return {};
  DX_CHECK(index <= branch.length);
  const auto found = [&](ItemIx ix, std::uint64_t before) {
    set_cursor(state, branch_ix, ix, before);
    return ListPosition{ix, index - before};
  };
  ItemIx ix = branch.cursor;
  std::uint64_t before = branch.cursor_index;
  if (ix != kNone && walk(state, ix, before, index, kNear)) return found(ix, before);
  if (!branch.index.exists()) {
    ix = branch.start;
    before = 0;
    if (walk(state, ix, before, index, kFar)) return found(ix, before);
    state.index.build(branch.index, state.items, branch.start);
  }
  const ListIndex::Found place = state.index.find(branch.index, index);
  return found(place.item, index - place.offset);
}

std::uint64_t index_of(const State& state, ItemIx ix) {
  if (state.branches[state.items[ix].parent].index.exists()) return state.index.index_of(ix);
  std::uint64_t index = 0;
  for (ItemIx left = state.items[ix].left; left != kNone; left = state.items[left].left) {
    index += state.items[left].visible_length();
  }
  return index;
}

void list_inserted(State& state, ItemIx ix) {
  const Item& item = state.items[ix];
  Branch& branch = state.branches[item.parent];
  if (item.left != branch.cursor) branch.cursor = kNone;
  if (branch.index.exists()) state.index.insert(branch.index, state.items, item.left, ix);
}

void list_split(State& state, ItemIx left, ItemIx right) {
  Branch& branch = state.branches[state.items[left].parent];
  if (branch.index.exists()) state.index.cut(branch.index, state.items, left, right);
}

void list_merging(State& state, ItemIx left, ItemIx right) {
  const Item& item = state.items[left];
  Branch& branch = state.branches[item.parent];
  if (branch.cursor == right) {
    branch.cursor = left;
    branch.cursor_index -= item.visible_length();
  }
  if (branch.index.exists()) state.index.join(branch.index, state.items, left, right);
}

void list_cleared(State& state, BranchIx branch) {
  state.branches[branch].cursor = kNone;
  state.index.clear(state.branches[branch].index);
}

}  // namespace diaryx::crdt
