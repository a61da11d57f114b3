#include "engine/crdt/typing.h"

#include "engine/crdt/position.h"

namespace diaryx::crdt {
namespace {

// Would a text item that ends there and one that begins there, cut from the same run, be one if
// both were deleted? `left` ends where `right` begins.
bool same_run(const Item& left, const Item& right) noexcept {
  return left.client == right.client && left.end() == right.clock &&
         right.origin() == left.last_id() && left.same_right_origin(right);
}

bool is_plain(const Item& item) noexcept {
  return item.kind == Kind::String && item.has(Item::kAscii) && !item.deleted() &&
         item.length > 1 && !item.has(Item::kKeep);
}

bool is_dropped(const Item& item) noexcept {
  return item.kind == Kind::Deleted && item.deleted() && !item.has(Item::kRedone);
}

// The last unit of `item` goes over to the deleted run right of it.
bool erase_last(State& state, ItemIx ix, DeleteRange& erased) {
  Item& item = state.items[ix];
  if (item.right == kNone || !is_plain(item)) return false;
  Item& run = state.items[item.right];
  if (!is_dropped(run) || !same_run(item, run)) return false;
  if (!state.store[item.client].structs.move_start(run.clock, run.clock - 1)) return false;
  item.set_length(item.length - 1);
  --item.content_size;
  erased = {item.client, item.end(), 1};
  run.set_clock(run.clock - 1);
  run.set_length(run.length + 1);
  run.set_origin(item.last_id());
  list_resized(state, ix, -1);
  return true;
}

// The first unit of `item` goes over to the deleted run left of it.
bool erase_first(State& state, ItemIx ix, DeleteRange& erased) {
  Item& item = state.items[ix];
  if (item.left == kNone || !is_plain(item)) return false;
  Item& run = state.items[item.left];
  if (!is_dropped(run) || !same_run(run, item)) return false;
  if (!state.store[item.client].structs.move_start(item.clock, item.clock + 1)) return false;
  erased = {item.client, item.clock, 1};
  run.set_length(run.length + 1);
  item.set_clock(item.clock + 1);
  item.set_length(item.length - 1);
  ++item.content;
  --item.content_size;
  item.set_origin(run.last_id());
  list_resized(state, ix, -1);
  return true;
}

}  // namespace

bool type_at_cursor(State& state, BranchIx branch_ix, std::uint64_t index, std::string_view utf8) {
  Branch& branch = state.branches[branch_ix];
  const ItemIx ix = branch.cursor;
  if (ix == kNone) return false;
  Item& item = state.items[ix];
  Client& self = state.store[state.self];
  const bool grows = item.client == state.self && item.end() == self.state &&
                     item.kind == Kind::String && item.has(Item::kAscii) && !item.deleted() &&
                     index == branch.cursor_index + item.length &&
                     item.content + item.content_size == state.arena.size();
  if (!grows) return false;
  if (item.right == kNone) {
    if (!item.right_origin().none()) return false;
  } else {
    const Item& right = state.items[item.right];
    // A new text goes behind what was deleted here, and so would not continue this one.
    if (right.deleted() || item.right_origin() != right.id()) return false;
  }
  for (const char c : utf8) {
    if (static_cast<unsigned char>(c) >= 0x80) return false;
  }
  state.arena.append(utf8);
  item.content_size += static_cast<std::uint32_t>(utf8.size());
  item.set_length(item.length + utf8.size());
  self.state += utf8.size();
  branch.length += utf8.size();
  list_resized(state, ix, static_cast<std::int64_t>(utf8.size()));
  if (state.watched) tell_of_append(state, branch_ix, self.state - utf8.size());
  return true;
}

bool erase_at_cursor(State& state, BranchIx branch_ix, std::uint64_t index) {
  Branch& branch = state.branches[branch_ix];
  if (branch.cursor == kNone || index >= branch.length || !state.options.gc) return false;
  ItemIx ix = branch.cursor;
  const std::uint64_t end = branch.cursor_index + state.items[ix].visible_length();
  bool erased = false;
  DeleteRange range{};
  if (index == end) {
    do {
      ix = state.items[ix].right;
    } while (ix != kNone && !state.items[ix].visible());
    erased = ix != kNone && erase_first(state, ix, range);
    // Between here and the next edit lie only deleted runs, and the last one is the place to be.
    if (erased) set_cursor(state, branch_ix, state.items[ix].left, index);
  } else if (index + 1 == end) {
    std::uint64_t before = branch.cursor_index;
    while (!state.items[ix].visible()) ix = state.items[ix].left;
    if (ix != branch.cursor) before = end - state.items[ix].length;
    erased = erase_last(state, ix, range);
    if (erased) set_cursor(state, branch_ix, ix, before);
  }
  if (!erased) return false;
  --branch.length;
  if (state.watched) tell_of_delete(state, branch_ix, range);
  return true;
}

}  // namespace diaryx::crdt
