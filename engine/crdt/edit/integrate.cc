#include "engine/crdt/edit/integrate.h"

#include "engine/crdt/edit/collect.h"
#include "engine/crdt/edit/position.h"

namespace diaryx::crdt {
namespace {

bool merges_by_append(Kind kind) noexcept {
  return kind == Kind::String || kind == Kind::Any || kind == Kind::Json;
}

// Would an item at (client's next clock) between `left` and `right` become one with `left` when the
// transaction ends? Then it need never exist. `right` is the item right of `left`.
bool extends(const State& state, ItemIx left, Kind kind, ClientIx client, ItemIx right) noexcept {
  const Item& item = state.items[left];
  // A kept item stays apart until the transaction ends: what we add may be deleted and collected.
  constexpr std::uint8_t kStaysApart = Item::kDeleted | Item::kKeep;
  if (item.kind != kind || item.client != client || (item.flags & kStaysApart) != 0 ||
      item.parent_sub != kNone) {
    return false;
  }
  if (item.end() != state.store[client].state || item.right != right) return false;
  return right == kNone ? item.right_origin().none()
                        : item.right_origin() == state.items[right].id();
}

// Makes `left` longer by the content of `tail`, which is not linked anywhere.
void extend(State& state, ItemIx left, const Item& tail) {
  Item& item = state.items[left];
  note_append(state, item.client);
  join_content(state.arena, item, tail);
  item.set_length(item.length + tail.length);
  state.store[item.client].state += tail.length;
  state.branches[item.parent].length += tail.length;
  list_resized(state, left, static_cast<std::int64_t>(tail.length));
  note_changed(state, item.parent, kNone);
}

// May the two ever be one? `right` follows `left` in its client's clock. All but their being
// neighbours in the list and equally deleted, which a transaction can change until its end.
bool may_merge(const Item& left, const Item& right) noexcept {
  if (left.kind != right.kind) return false;
  return left.is_gc() || ((merges_by_append(left.kind) || left.kind == Kind::Deleted) &&
                          right.origin() == left.last_id() && left.same_right_origin(right));
}

void append_struct(State& state, ItemIx ix) {
  const Item& item = state.items[ix];
  note_append(state, item.client);
  Client& client = state.store[item.client];
  DX_CHECK(client.state == item.clock);
  if (!client.structs.empty() && may_merge(state.items[client.structs.back()], item)) {
    note_may_merge(state, ix);
  }
  client.structs.append({item.clock, ix});
  client.state = item.end();
}

// The struct that ends with `id`, as item_clean_end() gives it. Usually it is the one that this
// client made just before.
ItemIx left_of(State& state, ClientIx client, Id id) {
  const ClockList& structs = state.store[client].structs;
  if (!structs.empty()) {
    const ItemIx last = structs.back();
    const Item& item = state.items[last];
    if (item.client == id.client && item.end() == id.clock + 1) return last;
  }
  return item_clean_end(state, id);
}

void turn_to_gc(State& state, ItemIx ix) {
  Item& item = state.items[ix];
  if (item.kind == Kind::Type) state.branches.unmake(item.content);
  Item gc;
  gc.set_clock(item.clock);
  gc.set_length(item.length);
  gc.client = item.client;
  gc.set(Item::kDeleted);
  item = gc;
}

// The item after which a staged item goes: `left`, or a rival further right. See integrate.h.
ItemIx resolve_conflict(State& state, const Item& item, ItemIx left, ItemIx right) {
  const ItemPool& items = state.items;
  ItemIx other = kNone;
  if (left != kNone) {
    other = items[left].right;
  } else if (item.parent_sub != kNone) {
    const MapEntries::Entry* entry = state.branches[item.parent].map.find(item.parent_sub);
    other = entry != nullptr ? entry->first : kNone;
  } else {
    other = state.branches[item.parent].start;
  }
  if (other == kNone || other == right) return left;
  if (state.scan_stamps.size() < items.size())
    state.scan_stamps.resize(items.size() + items.size() / 2, 0);
  const std::uint64_t scan_start = state.next_stamp;
  std::uint64_t rivals_from =
      scan_start;  // Stamps below are no rivals any more: we went past them.
  const std::uint64_t own_client = state.store[item.client].id;
  while (other != kNone && other != right) {
    const Item& rival = items[other];
    state.scan_stamps[other] = state.next_stamp++;
    if (rival.origin() == item.origin()) {
      if (state.store[rival.client].id < own_client) {
        left = other;
        rivals_from = state.next_stamp;
      } else if (rival.right_origin() == item.right_origin()) {
        break;
      }
    } else if (!rival.origin().none()) {
      const std::uint64_t origin_stamp = state.scan_stamps[state.store.item_at(rival.origin())];
      if (origin_stamp < scan_start) break;
      if (origin_stamp < rivals_from) {
        left = other;
        rivals_from = state.next_stamp;
      }
    } else {
      break;
    }
    other = rival.right;
  }
  return left;
}

// Links `ix` behind `left` (none: first of all) and makes it a struct of its client; then what its
// content asks for.
void link(State& state, ItemIx ix, ItemIx left) {
  Item& item = state.items[ix];
  Branch& branch = state.branches[item.parent];
  MapEntries::Entry* entry = item.parent_sub != kNone ? &branch.map.add(item.parent_sub) : nullptr;
  item.left = left;
  if (left != kNone) {
    item.right = state.items[left].right;
    state.items[left].right = ix;
  } else if (entry != nullptr) {
    item.right = entry->first;
    entry->first = ix;
  } else {
    item.right = branch.start;
    branch.start = ix;
  }
  if (item.right != kNone) {
    state.items[item.right].left = ix;
  } else if (entry != nullptr) {
    entry->last = ix;
    if (left != kNone) delete_item(state, left);
  } else {
    branch.end = ix;
  }
  if (item.kind == Kind::Deleted) item.set(Item::kDeleted);
  if (entry == nullptr) {
    branch.length += item.visible_length();
    list_inserted(state, ix);
  }
  append_struct(state, ix);
  switch (item.kind) {
    case Kind::Deleted:
      // There is nothing to collect, and append_struct() has seen what it may merge with: only
      // those who want to know of it need it.
      if (state.wants_details()) note_deleted(state, item.client, item.clock, item.length);
      break;
    case Kind::Type:
      state.branches[item.content].owner = item.id();
      break;
    case Kind::Format:
      branch.has_formatting = true;
      break;
    default:
      break;
  }
  note_changed(state, item.parent, item.parent_sub);
  if (branch.deleted || (entry != nullptr && item.right != kNone)) delete_item(state, ix);
}

// The commonest case of all: somebody goes on typing. The item is then part of the one before it.
bool continue_run(State& state, ItemIx ix) {
  const Item& item = state.items[ix];
  if (item.origin_clock() + 1 != item.clock || item.origin_client() != item.client ||
      !merges_by_append(item.kind) || (item.flags & (Item::kParentIsId | Item::kKeep)) != 0) {
    return false;
  }
  const ItemIx left = state.store[item.client].structs.back();
  const ItemIx right = state.items[left].right;
  const bool same_right =
      right == kNone ? item.right_origin().none() : item.right_origin() == state.items[right].id();
  if (!same_right || !extends(state, left, item.kind, item.client, right) ||
      !state.joining.pays()) {
    return false;
  }
  extend(state, left, item);
  ++state.joining.joined;
  state.items.free(ix);
  return true;
}

// The commonest case of all but typing on: a run of text, or what is left of one, of a list where
// nobody has come between its neighbours since it was made. False if it is another; then nothing
// has changed but that its left neighbour may have been cut where the two meet.
bool integrate_between(State& state, ItemIx ix) {
  const Item& staged = state.items[ix];
  if ((staged.kind != Kind::String && staged.kind != Kind::Deleted) ||
      staged.has(Item::kParentIsId) || staged.has(Item::kKeep) || staged.origin().none()) {
    return false;
  }
  const ItemIx left_ix = left_of(state, staged.client, staged.origin());
  Item& item = state.items[ix];  // A cut may have moved it.
  Item& left = state.items[left_ix];
  if (left.is_gc() || left.parent_sub != kNone) return false;
  const ItemIx right = left.right;
  if (right == kNone ? !item.right_origin().none()
                     : state.items[right].id() != item.right_origin()) {
    return false;
  }
  Branch& branch = state.branches[left.parent];
  if (branch.deleted) return false;
  item.parent = left.parent;
  item.left = left_ix;
  item.right = right;
  left.right = ix;
  (right != kNone ? state.items[right].left : branch.end) = ix;
  if (item.kind == Kind::Deleted) {
    item.set(Item::kDeleted);
    if (state.wants_details()) note_deleted(state, item.client, item.clock, item.length);
  } else {
    branch.length += item.length;
  }
  if (left_ix != branch.cursor) branch.cursor = kNone;
  if (branch.index.exists()) state.index.insert(branch.index, state.items, left_ix, ix);
  append_struct(state, ix);
  if (state.wants_details()) note_changed(state, item.parent, kNone);
  return true;
}

// The branch that a staged item goes to; kNone if that is gone, which makes the item a GC.
BranchIx parent_of(const State& state, const Item& item, ItemIx left, ItemIx right) {
  const auto gone = [&](ItemIx ix) { return ix != kNone && state.items[ix].is_gc(); };
  if (gone(left) || gone(right)) return kNone;
  if (item.has(Item::kParentIsId)) {
    const Item& parent = state.items[state.store.item_at(item.origin())];
    return parent.kind == Kind::Type ? parent.content : kNone;
  }
  if (item.parent != kNone) return item.parent;
  const ItemIx neighbour = left != kNone ? left : right;
  return neighbour != kNone ? state.items[neighbour].parent : kNone;
}

// Returns the branch that went with it; kNone if none did.
BranchIx delete_one(State& state, ItemIx ix) {
  Item& item = state.items[ix];
  if (item.deleted()) return kNone;
  if (item.parent_sub == kNone) {
    const std::uint64_t length = item.visible_length();
    state.branches[item.parent].length -= length;
    item.set(Item::kDeleted);
    list_resized(state, ix, -static_cast<std::int64_t>(length));
  } else {
    item.set(Item::kDeleted);
  }
  note_deleted(state, item.client, item.clock, item.length);
  note_may_merge(state, ix);
  note_changed(state, item.parent, item.parent_sub);
  if (item.kind != Kind::Type) {
    if (!collects_at_once(state)) {
      state.transaction.collect_later = true;
    } else if (!item.has(Item::kKeep)) {
      drop_content(item);
    }
    return kNone;
  }
  state.transaction.collect_later = true;
  state.branches[item.content].deleted = true;
  return item.content;
}

}  // namespace

ItemIx split_item(State& state, ItemIx ix, std::uint64_t offset) {
  ++state.joining.cut;
  const ItemIx right_ix = state.items.make(state.items[ix]);
  Item& left = state.items[ix];
  Item& right = state.items[right_ix];
  right.set_clock(right.clock + offset);
  right.set_length(right.length - offset);
  right.set_origin({left.client, right.clock - 1});
  right.left = ix;
  split_content(state.arena, left, right, offset);
  left.set_length(offset);
  left.right = right_ix;
  if (right.right != kNone) {
    state.items[right.right].left = right_ix;
  } else if (right.parent_sub != kNone) {
    state.branches[right.parent].map.add(right.parent_sub).last = right_ix;
  } else {
    state.branches[right.parent].end = right_ix;
  }
  ClockList& structs = state.store[left.client].structs;
  structs.insert_after(structs.find(left.clock), {right.clock, right_ix});
  note_may_merge(state, right_ix);
  if (left.parent_sub == kNone) list_split(state, ix, right_ix);
  return right_ix;
}

ItemIx item_clean_start(State& state, Id id) {
  const ItemIx ix = state.store.item_at(id);
  const Item& item = state.items[ix];
  if (item.clock == id.clock || item.is_gc()) return ix;
  return split_item(state, ix, id.clock - item.clock);
}

ItemIx item_clean_end(State& state, Id id) {
  const ItemIx ix = state.store.item_at(id);
  const Item& item = state.items[ix];
  if (item.end() != id.clock + 1 && !item.is_gc()) split_item(state, ix, id.clock + 1 - item.clock);
  return ix;
}

void integrate_staged(State& state, ItemIx ix, std::uint64_t offset) {
  if (offset == 0 && (continue_run(state, ix) || integrate_between(state, ix))) return;
  const Item staged = state.items[ix];
  if (staged.is_gc()) {
    Item& gc = state.items[ix];
    gc.set_clock(gc.clock + offset);
    gc.set_length(gc.length - offset);
    append_struct(state, ix);
    return;
  }
  const bool parent_is_id = staged.has(Item::kParentIsId);
  ItemIx left = kNone;
  if (!staged.origin().none() && !parent_is_id)
    left = left_of(state, staged.client, staged.origin());
  ItemIx right = kNone;
  if (!staged.right_origin().none()) {
    // Nobody has come between the two since: the commonest case.
    if (left != kNone) right = state.items[left].right;
    if (right == kNone || state.items[right].id() != staged.right_origin()) {
      right = item_clean_start(state, staged.right_origin());
    }
  }
  BranchIx parent = parent_of(state, staged, left, right);
  KeyIx parent_sub = staged.parent_sub;
  // The right neighbour lies left of the left one, in the same run. The decoder refuses what it can
  // see of such structs.
  const bool crossed =
      left != kNone && !state.items[left].is_gc() && state.items[left].last_id() != staged.origin();
  if (crossed) parent = kNone;
  if (staged.parent == kNone && !parent_is_id && parent != kNone) {
    parent_sub = state.items[left != kNone ? left : right].parent_sub;
  }
  if (offset > 0) {
    left = item_clean_end(state, {staged.client, staged.clock + offset - 1});
    // Somebody else's struct with that clock, or the rest of one that was collected.
    const Item& before = state.items[left];
    if (before.is_gc() || before.parent != parent || before.parent_sub != parent_sub)
      parent = kNone;
    Item& item = state.items[ix];
    Item head = item;
    split_content(state.arena, head, item, offset);
    item.set_clock(item.clock + offset);
    item.set_length(item.length - offset);
    item.set_origin({item.client, item.clock - 1});
    item.unset(Item::kParentIsId);
  } else if (parent_is_id) {
    state.items[ix].set_origin({});
    state.items[ix].unset(Item::kParentIsId);
  }
  Item& item = state.items[ix];
  if (parent == kNone) {
    turn_to_gc(state, ix);
    append_struct(state, ix);
    return;
  }
  item.parent = parent;
  item.parent_sub = parent_sub;
  const bool rivals = left == kNone ? right == kNone || state.items[right].left != kNone
                                    : state.items[left].right != right;
  if (rivals) left = resolve_conflict(state, item, left, right);
  link(state, ix, left);
}

ItemIx insert_local(State& state, ItemIx left, ItemIx right, Item item) {
  item.client = state.self;
  if (left != kNone && item.parent_sub == kNone && merges_by_append(item.kind) &&
      extends(state, left, item.kind, item.client, right)) {
    extend(state, left, item);
    return left;
  }
  item.set_clock(state.store[state.self].state);
  item.set_origin(left != kNone ? state.items[left].last_id() : Id{});
  item.set_right_origin(right != kNone ? state.items[right].id() : Id{});
  const ItemIx ix = state.items.make(item);
  link(state, ix, left);
  return ix;
}

void delete_item(State& state, ItemIx ix) {
  const BranchIx top = delete_one(state, ix);
  if (top == kNone) return;
  // Nested types are worked off from a stack of our own: their depth is the peer's choice. Depth
  // first, because the order in which clients lose something is the order in which an UndoManager
  // brings it back.
  std::vector<State::DeleteFrame>& stack = state.delete_stack;
  stack.push_back({top, state.branches[top].start, 0});
  while (!stack.empty()) {
    State::DeleteFrame& frame = stack.back();
    const MapEntries& map = state.branches[frame.branch].map;
    ItemIx child = frame.next;
    if (child != kNone) {
      frame.next = state.items[child].right;
    } else if (frame.entry < map.size()) {
      child = (map.begin() + static_cast<std::ptrdiff_t>(frame.entry++))->last;
    } else {
      stack.pop_back();
      continue;
    }
    const Item& item = state.items[child];
    if (!item.deleted()) {
      const BranchIx inner = delete_one(state, child);
      if (inner != kNone) stack.push_back({inner, state.branches[inner].start, 0});
    } else if (item.clock < before_clock(state, item.client)) {
      // It will be collected with its type now, and could then merge with a neighbour.
      note_may_merge(state, child);
    }
  }
}

}  // namespace diaryx::crdt
