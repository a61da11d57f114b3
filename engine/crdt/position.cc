#include "engine/crdt/position.h"

namespace diaryx::crdt {

ListPosition find_position(State& state, BranchIx branch_ix, std::uint64_t index) {
  Branch& branch = state.branches[branch_ix];
  if (index == 0) return {};
  DX_CHECK(index <= branch.length);
  ItemIx ix = branch.cursor;
  std::uint64_t before = branch.cursor_index;
  if (ix == kNone || before > 2 * index) {
    ix = branch.start;
    before = 0;
  }
  while (before >= index) {
    ix = state.items[ix].left;
    before -= state.items[ix].visible_length();
  }
  for (;;) {
    const Item& item = state.items[ix];
    const std::uint64_t length = item.visible_length();
    if (index <= before + length) break;
    before += length;
    ix = item.right;
  }
  set_cursor(state, branch_ix, ix, before);
  return {ix, index - before};
}

std::uint64_t index_of(const State& state, ItemIx ix) {
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
}

void list_resized(State& state, ItemIx ix, std::int64_t) {
  Branch& branch = state.branches[state.items[ix].parent];
  if (ix != branch.cursor) branch.cursor = kNone;
}

void list_split(State&, ItemIx, ItemIx) {}

void list_merging(State& state, ItemIx left, ItemIx right) {
  const Item& item = state.items[left];
  Branch& branch = state.branches[item.parent];
  if (branch.cursor != right) return;
  branch.cursor = left;
  branch.cursor_index -= item.visible_length();
}

void list_cleared(State& state, BranchIx branch) {
  state.branches[branch].cursor = kNone;
}

}  // namespace diaryx::crdt
