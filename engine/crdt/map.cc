#include "engine/crdt/edit/integrate.h"
#include "engine/crdt/edit/value.h"

namespace diaryx::crdt {
namespace {

// The live item of a key; kNone if there is none.
ItemIx live_item(const State& state, BranchIx branch, KeyIx key) noexcept {
  if (key == kNone) return kNone;
  const MapEntries::Entry* entry = state.branches[branch].map.find(key);
  return entry == nullptr || state.items[entry->last].deleted() ? kNone : entry->last;
}

ItemIx set_item(State& state, BranchIx branch, KeyIx key, Item item) {
  const MapEntries::Entry* entry = state.branches[branch].map.find(key);
  item.parent = branch;
  item.parent_sub = key;
  return insert_local(state, entry != nullptr ? entry->last : kNone, kNone, item);
}

State& state_of(TypeRef type) {
  return type.doc->state();
}
const State& const_state_of(TypeRef type) {
  return type.doc->state();
}

}  // namespace

std::optional<Value> Map::get(std::string_view key) const {
  const State& state = const_state_of(type_);
  const ItemIx ix = live_item(state, type_.branch, state.keys.find(key));
  if (ix == kNone) return std::nullopt;
  return value_at(state, ix, state.items[ix].length - 1);
}

bool Map::has(std::string_view key) const {
  const State& state = const_state_of(type_);
  return live_item(state, type_.branch, state.keys.find(key)) != kNone;
}

std::size_t Map::size() const {
  const State& state = const_state_of(type_);
  std::size_t size = 0;
  for (const MapEntries::Entry& entry : state.branches[type_.branch].map)
    size += !state.items[entry.last].deleted();
  return size;
}

void Map::for_each(
    const std::function<void(std::string_view key, const Value& value)>& visit) const {
  const State& state = const_state_of(type_);
  for (const MapEntries::Entry& entry : state.branches[type_.branch].map) {
    const Item& item = state.items[entry.last];
    if (!item.deleted()) visit(state.keys[entry.key], value_at(state, entry.last, item.length - 1));
  }
}

std::optional<ValueView> Map::view(std::string_view key) const {
  const State& state = const_state_of(type_);
  const ItemIx ix = live_item(state, type_.branch, state.keys.find(key));
  if (ix == kNone) return std::nullopt;
  return view_at(state, ix, state.items[ix].length - 1);
}

void Map::visit(
    const std::function<void(std::string_view key, const ValueView& value)>& look) const {
  const State& state = const_state_of(type_);
  for (const MapEntries::Entry& entry : state.branches[type_.branch].map) {
    const Item& item = state.items[entry.last];
    if (!item.deleted()) look(state.keys[entry.key], view_at(state, entry.last, item.length - 1));
  }
}

void Map::set(std::string_view key, codec::Any value) {
  State& state = state_of(type_);
  const TransactionScope scope(state, 0, true);
  const Item item = make_value_item(state, value);
  set_item(state, type_.branch, state.keys.intern(key), item);
}

TypeRef Map::set_type(std::string_view key, TypeKind kind) {
  return set_type(key, NewType{kind});
}

TypeRef Map::set_type(std::string_view key, const NewType& type) {
  State& state = state_of(type_);
  const TransactionScope scope(state, 0, true);
  const Item item = make_type_item(state, type);
  set_item(state, type_.branch, state.keys.intern(key), item);
  const TypeRef made{type_.doc, item.content};
  if (type.fill) type.fill(made);
  return made;
}

void Map::set_document(std::string_view key, const SubDocument& document) {
  State& state = state_of(type_);
  const TransactionScope scope(state, 0, true);
  const Item item = make_document_item(state, document);
  const ItemIx ix = set_item(state, type_.branch, state.keys.intern(key), item);
  note_loaded(state, state.items[ix].id());
}

void Map::load_document(std::string_view key) {
  State& state = state_of(type_);
  const TransactionScope scope(state, 0, true);
  const ItemIx ix = live_item(state, type_.branch, state.keys.find(key));
  if (ix != kNone && state.items[ix].kind == Kind::Doc) note_loaded(state, state.items[ix].id());
}

std::optional<SubDocument> Map::document(std::string_view key) const {
  const State& state = const_state_of(type_);
  const ItemIx ix = live_item(state, type_.branch, state.keys.find(key));
  return ix == kNone ? std::nullopt : document_of(state, ix);
}

void Map::clear() {
  State& state = state_of(type_);
  const TransactionScope scope(state, 0, true);
  for (const MapEntries::Entry& entry : state.branches[type_.branch].map)
    delete_item(state, entry.last);
}

void Map::erase(std::string_view key) {
  State& state = state_of(type_);
  const TransactionScope scope(state, 0, true);
  const ItemIx ix = live_item(state, type_.branch, state.keys.find(key));
  if (ix != kNone) delete_item(state, ix);
}

}  // namespace diaryx::crdt
