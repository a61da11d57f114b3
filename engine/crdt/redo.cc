#include "engine/crdt/redo.h"

#include "engine/crdt/integrate.h"
#include "engine/crdt/value.h"

namespace diaryx::crdt {
namespace {

// The item that a type is the content of; kNone for a root.
ItemIx owner_of(const State& state, BranchIx branch) noexcept {
  const Branch& type = state.branches[branch];
  return type.is_root() ? kNone : state.store.item_at(type.owner);
}

ItemIx redone_as(State& state, ItemIx ix) {
  return item_clean_start(state, state.redone.find(state.items[ix]));
}

// What `ix` was made anew as in the list of `parent`; kNone if it was not. Usually it is there
// already.
ItemIx trace(State& state, ItemIx ix, BranchIx parent) {
  while (ix != kNone && state.items[ix].parent != parent)
    ix = state.items[ix].has(Item::kRedone) ? redone_as(state, ix) : kNone;
  return ix;
}

ItemIx last_of_key(const State& state, BranchIx branch, KeyIx key) {
  const MapEntries::Entry* entry = state.branches[branch].map.find(key);
  return entry != nullptr ? entry->last : kNone;
}

struct Place {
  ItemIx left = kNone;
  ItemIx right = kNone;
};

Place list_place(State& state, ItemIx ix, BranchIx parent) {
  Place place;
  for (ItemIx at = state.items[ix].left; at != kNone && place.left == kNone;
       at = state.items[at].left) {
    place.left = trace(state, at, parent);
  }
  for (ItemIx at = ix; at != kNone && place.right == kNone; at = state.items[at].right)
    place.right = trace(state, at, parent);
  return place;
}

// Nothing if somebody else wrote the key meanwhile.
std::optional<Place> map_place(const Redo& redo, ItemIx ix, BranchIx parent) {
  State& state = redo.state;
  const KeyIx key = state.items[ix].parent_sub;
  Place place;
  if (state.items[ix].right != kNone && !redo.ignore_remote_map_changes) {
    place.left = ix;
    for (;;) {
      const ItemIx right = state.items[place.left].right;
      if (right == kNone) break;
      const Item& item = state.items[right];
      if (!item.has(Item::kRedone) && !redo.insertions.contains(item.id()) &&
          !redo.deleted_by_stack(item.id())) {
        return std::nullopt;
      }
      place.left = right;
      while (state.items[place.left].has(Item::kRedone)) place.left = redone_as(state, place.left);
      if (state.items[place.left].is_gc()) return std::nullopt;
    }
  } else {
    place.left = last_of_key(state, parent, key);
  }
  // A chain that went on in a type which was brought back: its own chain counts.
  if (place.left != kNone && state.items[place.left].parent != parent)
    place.left = last_of_key(state, parent, key);
  return place;
}

Item copy_content(State& state, ItemIx ix) {
  const Item old = state.items[ix];
  if (old.kind == Kind::Type) {
    const Branch& branch = state.branches[old.content];
    const std::string name(branch.name != kNone ? state.keys[branch.name] : std::string_view());
    return make_type_item(state, {*branch.kind, name});
  }
  Item copy;
  copy.kind = old.kind;
  copy.length = old.length;
  copy.flags = old.flags & (Item::kAscii | Item::kHasSurrogates);
  copy.content = old.content;
  copy.content_size = old.content_size;
  // Both may have the same octets, unless cutting one of them could rewrite these.
  if (old.kind == Kind::String && !old.has(Item::kAscii))
    copy.content = state.arena.append(content_bytes(state.arena, old));
  return copy;
}

// The type that `ix` lies in is there, or was brought back.
ItemIx redo_in_parent(const Redo& redo, ItemIx ix) {
  State& state = redo.state;
  BranchIx parent = state.items[ix].parent;
  if (ItemIx owner = owner_of(state, parent); owner != kNone && state.items[owner].deleted()) {
    while (state.items[owner].has(Item::kRedone)) owner = redone_as(state, owner);
    // Deleted again and collected since: there is nothing to put it into. (Yjs throws.)
    if (state.items[owner].kind != Kind::Type) return kNone;
    parent = state.items[owner].content;
  }
  Place place;
  if (state.items[ix].parent_sub == kNone) {
    place = list_place(state, ix, parent);
  } else if (const auto found = map_place(redo, ix, parent)) {
    place = *found;
  } else {
    return kNone;
  }
  Item item = copy_content(state, ix);
  item.client = state.self;
  item.set_clock(state.store[state.self].state);
  item.parent = parent;
  item.parent_sub = state.items[ix].parent_sub;
  if (place.left != kNone) item.set_origin(state.items[place.left].last_id());
  if (place.right != kNone) item.set_right_origin(state.items[place.right].id());
  item.set(Item::kKeep);
  state.redone.set(state.items[ix], item.id());
  state.items[ix].set(Item::kRedone);
  keep_item(state, owner_of(state, parent), true);
  const ItemIx made = state.items.make(item);
  integrate_staged(state, made, 0);
  return made;
}

}  // namespace

void keep_item(State& state, ItemIx ix, bool keep) {
  while (ix != kNone && state.items[ix].has(Item::kKeep) != keep) {
    Item& item = state.items[ix];
    if (keep) {
      item.set(Item::kKeep);
    } else {
      item.unset(Item::kKeep);
    }
    ix = owner_of(state, item.parent);
  }
}

ItemIx follow_redone(State& state, ItemIx ix) {
  Id id = state.items[ix].id();
  for (;;) {
    const ItemIx at = state.store.item_at(id);
    const Item& item = state.items[at];
    if (!item.has(Item::kRedone)) return item_clean_start(state, id);
    const Id target = state.redone.find(item);
    id = {target.client, target.clock + (id.clock - item.clock)};
  }
}

ItemIx redo_item(const Redo& redo, ItemIx ix) {
  State& state = redo.state;
  if (state.items[ix].has(Item::kRedone)) return redone_as(state, ix);
  // What it lies in comes first, from the top. Types nest as deep as a peer likes: no recursion.
  std::vector<ItemIx> chain{ix};
  for (;;) {
    const ItemIx owner = owner_of(state, state.items[chain.back()].parent);
    if (owner == kNone || !state.items[owner].deleted()) break;
    if (state.items[owner].has(Item::kRedone)) break;
    if (!redo.items.contains(owner)) return kNone;
    chain.push_back(owner);
  }
  ItemIx made = kNone;
  while (!chain.empty()) {
    made = redo_in_parent(redo, chain.back());
    if (made == kNone) return kNone;
    chain.pop_back();
  }
  return made;
}

}  // namespace diaryx::crdt
