#include "engine/crdt/edit/integrate.h"
#include "engine/crdt/edit/list_edit.h"
#include "engine/crdt/edit/position.h"
#include "engine/crdt/edit/value.h"

namespace diaryx::crdt {
namespace {

State& state_of(TypeRef type) {
  return type.doc->state();
}
const State& const_state_of(TypeRef type) {
  return type.doc->state();
}

// Runs of plain values share an item; binary values stand alone.
void insert_values(State& state, BranchIx branch, ItemIx left,
                   const std::vector<codec::Any>& values) {
  const ItemIx right = left != kNone ? state.items[left].right : state.branches[branch].start;
  for (std::size_t i = 0; i < values.size();) {
    Item item = make_value_item(state, values[i]);
    for (++i; item.kind == Kind::Any && i < values.size() && values[i].get<Buffer>() == nullptr;
         ++i) {
      append_any(state.arena, values[i]);
      ++item.length;
    }
    item.content_size = static_cast<std::uint32_t>(state.arena.size() - item.content);
    item.parent = branch;
    left = insert_local(state, left, right, item);
  }
}

void insert_document_after(State& state, BranchIx branch, ItemIx left,
                           const SubDocument& document) {
  Item item = make_document_item(state, document);
  item.parent = branch;
  const ItemIx ix = insert_local(state, left, right_of(state, branch, left), item);
  note_loaded(state, state.items[ix].id());
}

}  // namespace

ItemIx right_of(const State& state, BranchIx branch, ItemIx left) noexcept {
  return left != kNone ? state.items[left].right : state.branches[branch].start;
}

TypeRef insert_type_after(State& state, BranchIx branch, ItemIx left, const NewType& type) {
  Item item = make_type_item(state, type);
  item.parent = branch;
  insert_local(state, left, right_of(state, branch, left), item);
  const TypeRef made{state.doc, item.content};
  if (type.fill) type.fill(made);
  return made;
}

ItemIx cut_at(State& state, BranchIx branch, std::uint64_t index) {
  const ListPosition position = find_position(state, branch, index);
  if (position.item != kNone && position.offset < state.items[position.item].length) {
    split_item(state, position.item, position.offset);
  }
  return position.item;
}

void erase_range(State& state, BranchIx branch, std::uint64_t index, std::uint64_t length) {
  const ItemIx left = cut_at(state, branch, index);
  ItemIx before = left;
  ItemIx ix = left != kNone ? state.items[left].right : state.branches[branch].start;
  while (length > 0 && ix != kNone) {
    if (!state.items[ix].deleted()) {
      if (length < state.items[ix].length) split_item(state, ix, length);
      length -= state.items[ix].length;
      delete_item(state, ix);
    }
    before = ix;
    ix = state.items[ix].right;
  }
  // All that lies between `left` and here is deleted.
  if (before != left) set_cursor(state, branch, before, index);
}

std::uint64_t Array::length() const {
  return const_state_of(type_).branches[type_.branch].length;
}

std::optional<Value> Array::get(std::uint64_t index) const {
  State& state =
      state_of(type_);  // Finding a place remembers it, which changes nothing that can be seen.
  if (index >= state.branches[type_.branch].length) return std::nullopt;
  const ListPosition position = find_position(state, type_.branch, index + 1);
  return value_at(state, position.item, position.offset - 1);
}

void Array::for_each(const std::function<void(const Value& value)>& visit) const {
  const State& state = const_state_of(type_);
  for (ItemIx ix = state.branches[type_.branch].start; ix != kNone; ix = state.items[ix].right) {
    if (state.items[ix].visible()) for_each_value(state, ix, visit);
  }
}

void Array::visit(const std::function<void(const ValueView& value)>& look) const {
  const State& state = const_state_of(type_);
  for (ItemIx ix = state.branches[type_.branch].start; ix != kNone; ix = state.items[ix].right) {
    if (state.items[ix].visible()) visit_values(state, ix, look);
  }
}

void Array::insert(std::uint64_t index, std::vector<codec::Any> values) {
  State& state = state_of(type_);
  const TransactionScope scope(state, 0, true);
  DX_CHECK(index <= state.branches[type_.branch].length);
  insert_values(state, type_.branch, cut_at(state, type_.branch, index), values);
}

void Array::push(std::vector<codec::Any> values) {
  State& state = state_of(type_);
  const TransactionScope scope(state, 0, true);
  insert_values(state, type_.branch, state.branches[type_.branch].end, values);
}

TypeRef Array::push_type(const NewType& type) {
  State& state = state_of(type_);
  const TransactionScope scope(state, 0, true);
  return insert_type_after(state, type_.branch, state.branches[type_.branch].end, type);
}

TypeRef Array::insert_type(std::uint64_t index, TypeKind kind) {
  return insert_type(index, NewType{kind});
}

TypeRef Array::insert_type(std::uint64_t index, const NewType& type) {
  State& state = state_of(type_);
  const TransactionScope scope(state, 0, true);
  DX_CHECK(index <= state.branches[type_.branch].length);
  const ItemIx left = cut_at(state, type_.branch, index);
  return insert_type_after(state, type_.branch, left, type);
}

void Array::insert_document(std::uint64_t index, const SubDocument& document) {
  State& state = state_of(type_);
  const TransactionScope scope(state, 0, true);
  DX_CHECK(index <= state.branches[type_.branch].length);
  insert_document_after(state, type_.branch, cut_at(state, type_.branch, index), document);
}

void Array::push_document(const SubDocument& document) {
  State& state = state_of(type_);
  const TransactionScope scope(state, 0, true);
  insert_document_after(state, type_.branch, state.branches[type_.branch].end, document);
}

void Array::load_document(std::uint64_t index) {
  State& state = state_of(type_);
  DX_CHECK(index < state.branches[type_.branch].length);
  const TransactionScope scope(state, 0, true);
  const ItemIx ix = find_position(state, type_.branch, index + 1).item;
  if (state.items[ix].kind == Kind::Doc) note_loaded(state, state.items[ix].id());
}

std::optional<SubDocument> Array::document(std::uint64_t index) const {
  State& state = state_of(type_);
  if (index >= state.branches[type_.branch].length) return std::nullopt;
  return document_of(state, find_position(state, type_.branch, index + 1).item);
}

void Array::erase(std::uint64_t index, std::uint64_t length) {
  State& state = state_of(type_);
  const TransactionScope scope(state, 0, true);
  DX_CHECK(index + length <= state.branches[type_.branch].length);
  erase_range(state, type_.branch, index, length);
}

}  // namespace diaryx::crdt
