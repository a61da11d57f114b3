#include "engine/crdt/edit/typing.h"

#include "engine/base/utf.h"
#include "engine/crdt/edit/position.h"
#include "engine/crdt/structs/content.h"

namespace diaryx::crdt {
namespace {

// Would a text item that ends there and one that begins there, cut from the same run, be one if
// both were deleted? `left` ends where `right` begins.
inline bool same_run(const Item& left, const Item& right) noexcept {
  return left.client == right.client && left.end() == right.clock &&
         right.origin_is(left.last_id()) && left.same_right_origin(right);
}

bool is_plain(const Item& item) noexcept {
  return item.kind == Kind::String && item.has(Item::kAscii) && !item.deleted() &&
         item.length > 1 && item.parent_sub == kNone && !item.has(Item::kKeep);
}

bool is_dropped(const Item& item) noexcept {
  return item.kind == Kind::Deleted && item.deleted() && !item.has(Item::kRedone);
}

// The last unit of `item` goes over to the deleted run right of it.
bool erase_last(State& state, Branch& branch, ItemIx ix, DeleteRange& erased) {
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
  --branch.length;
  list_resized(state, branch, ix, -1);
  return true;
}

// The first unit of `item` goes over to the deleted run left of it.
bool erase_first(State& state, Branch& branch, ItemIx ix, DeleteRange& erased) {
  Item& item = state.items[ix];
  if (item.left == kNone || !is_plain(item)) return false;
  Item& run = state.items[item.left];
  if (!is_dropped(run) || !same_run(run, item)) return false;
  if (!state.store[item.client].structs.move_start(item.clock, item.clock + 1)) return false;
  erased = {item.client, item.clock, 1};
  run.set_length(run.length + 1);
  item.set_clock(item.clock + 1);
  item.set_length(item.length - 1);
  item.unset(Item::kRoomy);
  ++item.content;
  --item.content_size;
  item.set_origin(run.last_id());
  --branch.length;
  list_resized(state, branch, ix, -1);
  return true;
}

// `text` goes behind the last item of its client.
[[gnu::always_inline]] inline void grow(State& state, Branch& branch, Client& client, ItemIx ix,
                                        Item& item, std::string_view text) {
  append_content(state.arena, item, as_bytes(text));
  item.set_length(item.length + text.size());
  client.state += text.size();
  branch.length += text.size();
  list_resized(state, branch, ix, static_cast<std::int64_t>(text.size()));
}

// A growing text, if nothing came between it and its right neighbour.
inline bool grows(const State& state, const Item& item) noexcept {
  constexpr unsigned kNot = Item::kDeleted | Item::kRedone | Item::kKeep;
  if (item.kind != Kind::String || (item.flags & (Item::kAscii | kNot)) != Item::kAscii ||
      item.parent_sub != kNone) {
    return false;
  }
  return item.right == kNone ? item.right_origin().none()
                             : item.right_origin_is(state.items[item.right].id());
}

// 01 01 client clock 84|c4 origin [right origin] text 00
bool apply_typing(State& state, WireReader& in, const TransactionKind& kind) {
  if (in.u8() != 1) return false;
  const ClientIx ix = state.store.find(in);
  const Clock clock = in.var_uint();
  const std::uint8_t info = in.u8();
  if (ix == kNone || ix == state.self || (info != 0x84 && info != 0xC4)) return false;
  Client& client = state.store[ix];
  if (clock != client.state || client.structs.empty()) return false;
  const ItemIx last = client.structs.back();
  Item& item = state.items[last];
  if (!read_same_client(in, client) || in.var_uint() + 1 != clock || !grows(state, item))
    return false;
  if (info == 0x84) {
    if (!item.right_origin().none()) return false;
  } else {
    if (item.right_origin().none()) return false;
    if (!read_same_client(in, state.store[item.right_origin_client()]) ||
        in.var_uint() != item.right_origin_clock()) {
      return false;
    }
  }
  const std::string_view text = as_text(in.var_bytes());
  if (in.u8() != 0 || in.failed() || in.remaining() != 0) return false;
  if (text.empty() || !is_ascii(text) || text.size() > kMaxClock - clock) return false;
  grow(state, state.branches[item.parent], client, last, item, text);
  if (state.watched) tell_of_append(state, kind, item.parent, ix, clock);
  return true;
}

// 00 01 client 01 clock 01
bool apply_erasing(State& state, WireReader& in, const TransactionKind& kind) {
  if (in.u8() != 1) return false;
  const ClientIx client = state.store.find(in);
  if (in.u8() != 1 || client == kNone) return false;
  const Clock clock = in.var_uint();
  if (in.u8() != 1 || in.failed() || in.remaining() != 0) return false;
  if (clock >= state.store[client].state || !state.options.gc) return false;
  const ItemIx ix = state.store.item_at({client, clock});
  const Item& item = state.items[ix];
  if (item.parent == kNone) return false;
  const BranchIx branch_ix = item.parent;
  Branch& branch = state.branches[branch_ix];
  DeleteRange range{};
  const bool erased = clock + 1 == item.end() ? erase_last(state, branch, ix, range)
                      : clock == item.clock   ? erase_first(state, branch, ix, range)
                                              : false;
  if (!erased) return false;
  if (state.watched) tell_of_delete(state, kind, branch_ix, range);
  return true;
}

}  // namespace

bool apply_key_stroke(State& state, Bytes update, Origin origin) {
  constexpr std::size_t kLongest = 64;
  if (update.size() > kLongest || !state.edits_quickly() || !state.pending.empty()) return false;
  WireReader in(update);
  const std::uint8_t sections = in.u8();
  if (sections == 1) return apply_typing(state, in, {origin, false});
  return sections == 0 && apply_erasing(state, in, {origin, false});
}

bool type_at_cursor(State& state, BranchIx branch_ix, std::uint64_t index, std::string_view utf8) {
  Branch& branch = state.branches[branch_ix];
  const ItemIx ix = branch.cursor;
  if (ix == kNone) return false;
  Item& item = state.items[ix];
  Client& self = state.store[state.self];
  if (item.client != state.self || item.end() != self.state ||
      index != branch.cursor_index + item.length || !grows(state, item)) {
    return false;
  }
  // A new text goes behind what was deleted here, and so would not continue this one.
  if (item.right != kNone && state.items[item.right].deleted()) return false;
  if (!is_ascii(utf8)) return false;
  grow(state, branch, self, ix, item, utf8);
  if (state.watched)
    tell_of_append(state, {0, true}, branch_ix, state.self, self.state - utf8.size());
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
    erased = ix != kNone && erase_first(state, branch, ix, range);
    // Between here and the next edit lie only deleted runs, and the last one is the place to be.
    if (erased) set_cursor(state, branch_ix, state.items[ix].left, index);
  } else if (index + 1 == end) {
    std::uint64_t before = branch.cursor_index;
    while (!state.items[ix].visible()) ix = state.items[ix].left;
    if (ix != branch.cursor) before = end - state.items[ix].length;
    erased = erase_last(state, branch, ix, range);
    if (erased) set_cursor(state, branch_ix, ix, before);
  }
  if (!erased) return false;
  if (state.watched) tell_of_delete(state, {0, true}, branch_ix, range);
  return true;
}

}  // namespace diaryx::crdt
