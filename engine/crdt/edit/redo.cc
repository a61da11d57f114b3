#include "engine/crdt/edit/redo.h"

#include "engine/crdt/edit/integrate.h"
#include "engine/crdt/edit/value.h"

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

ItemIx last_of_key(const State& state, BranchIx branch, KeyIx key) {
  const MapEntries::Entry* entry = state.branches[branch].map.find(key);
  return entry != nullptr ? entry->last : kNone;
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

std::optional<Redo::Place> Redo::list_place(ItemIx ix, BranchIx parent) {
  const BranchIx list = state_.items[ix].parent;
  if (list == parent) return Place{state_.items[ix].left, ix};
  auto known = neighbours_.find(list);
  // What the list came back as can itself be deleted and come back.
  if (known == neighbours_.end() || known->second.parent() != parent) {
    known = neighbours_.insert_or_assign(list, RedoneNeighbours(state_, list, parent)).first;
  }
  return known->second.place_of(state_, ix);
}

// Nothing if somebody else wrote the key meanwhile.
std::optional<Redo::Place> Redo::map_place(ItemIx ix, BranchIx parent) {
  const KeyIx key = state_.items[ix].parent_sub;
  Place place;
  if (state_.items[ix].right != kNone && !task_.ignore_remote_map_changes) {
    place.left = ix;
    for (;;) {
      const ItemIx right = state_.items[place.left].right;
      if (right == kNone) break;
      const Item& item = state_.items[right];
      if (!item.has(Item::kRedone) && !task_.insertions.contains(item.id()) &&
          !task_.deleted_by_stack(item.id())) {
        return std::nullopt;
      }
      place.left = right;
      while (state_.items[place.left].has(Item::kRedone))
        place.left = redone_as(state_, place.left);
      if (state_.items[place.left].is_gc()) return std::nullopt;
    }
  } else {
    place.left = last_of_key(state_, parent, key);
  }
  // A chain that went on in a type which was brought back: its own chain counts.
  if (place.left != kNone && state_.items[place.left].parent != parent)
    place.left = last_of_key(state_, parent, key);
  return place;
}

// The type that `ix` lies in is there, or was brought back.
ItemIx Redo::item_in_parent(ItemIx ix) {
  const BranchIx old_parent = state_.items[ix].parent;
  BranchIx parent = old_parent;
  if (ItemIx owner = owner_of(state_, parent); owner != kNone && state_.items[owner].deleted()) {
    while (state_.items[owner].has(Item::kRedone)) owner = redone_as(state_, owner);
    // Deleted again and collected since: there is nothing to put it into. (Yjs throws.)
    if (state_.items[owner].kind != Kind::Type) return kNone;
    parent = state_.items[owner].content;
  }
  const KeyIx key = state_.items[ix].parent_sub;
  const std::optional<Place> place = key == kNone ? list_place(ix, parent) : map_place(ix, parent);
  if (!place) return kNone;
  Item item = copy_content(state_, ix);
  item.client = state_.self;
  item.set_clock(state_.store[state_.self].state);
  item.parent = parent;
  item.parent_sub = key;
  if (place->left != kNone) item.set_origin(state_.items[place->left].last_id());
  if (place->right != kNone) item.set_right_origin(state_.items[place->right].id());
  item.set(Item::kKeep);
  state_.redone.set(state_.items[ix], item.id());
  state_.items[ix].set(Item::kRedone);
  keep_item(state_, owner_of(state_, parent), true);
  const ItemIx made = state_.items.make(item);
  integrate_staged(state_, made, 0);
  if (const auto known = neighbours_.find(old_parent); known != neighbours_.end())
    known->second.add(ix);
  return made;
}

ItemIx Redo::item(ItemIx ix) {
  if (state_.items[ix].has(Item::kRedone)) return redone_as(state_, ix);
  // What it lies in comes first, from the top. Types nest as deep as a peer likes: no recursion.
  std::vector<ItemIx> chain{ix};
  for (;;) {
    const ItemIx owner = owner_of(state_, state_.items[chain.back()].parent);
    if (owner == kNone || !state_.items[owner].deleted()) break;
    if (state_.items[owner].has(Item::kRedone)) break;
    if (!task_.items.contains(owner)) return kNone;
    chain.push_back(owner);
  }
  ItemIx made = kNone;
  while (!chain.empty()) {
    made = item_in_parent(chain.back());
    if (made == kNone) return kNone;
    chain.pop_back();
  }
  return made;
}

}  // namespace diaryx::crdt
