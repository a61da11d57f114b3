#include "engine/crdt/integrate.h"
#include "engine/crdt/list_edit.h"
#include "engine/crdt/position.h"

namespace diaryx::crdt {
namespace {

State& state_of(TypeRef type) {
  return type.doc->state();
}
const State& const_state_of(TypeRef type) {
  return type.doc->state();
}

Item make_text_item(State& state, std::string_view text) {
  const TextShape shape = measure(text);
  Item item;
  item.kind = Kind::String;
  item.length = shape.units;
  item.flags = shape.flags;
  item.content = static_cast<std::uint32_t>(state.arena.size());
  item.content_size = static_cast<std::uint32_t>(text.size());
  state.arena.insert(state.arena.end(), text.begin(), text.end());
  return item;
}

}  // namespace

std::uint64_t Text::length() const {
  return const_state_of(type_).branches[type_.branch].length;
}

std::string Text::to_string() const {
  const State& state = const_state_of(type_);
  const Branch& branch = state.branches[type_.branch];
  std::string text;
  text.reserve(static_cast<std::size_t>(branch.length));
  for (ItemIx ix = branch.start; ix != kNone; ix = state.items[ix].right) {
    const Item& item = state.items[ix];
    if (item.kind == Kind::String && !item.deleted()) text += content_text(state.arena, item);
  }
  return text;
}

void Text::insert(std::uint64_t index, std::string_view utf8) {
  if (utf8.empty()) return;
  State& state = state_of(type_);
  const TransactionScope scope(state, 0, true);
  DX_CHECK(index <= state.branches[type_.branch].length);
  ItemIx left = cut_at(state, type_.branch, index);
  ItemIx right = left != kNone ? state.items[left].right : state.branches[type_.branch].start;
  // Behind all that was deleted here.
  while (right != kNone && state.items[right].deleted()) {
    left = right;
    right = state.items[right].right;
  }
  Item item = make_text_item(state, utf8);
  item.parent = type_.branch;
  const ItemIx ix = insert_local(state, left, right, item);
  if (ix != left) set_cursor(state, type_.branch, ix, index);
}

void Text::insert(std::uint64_t index, std::string_view utf8, const Attributes&) {
  insert(index, utf8);
}

void Text::erase(std::uint64_t index, std::uint64_t length) {
  if (length == 0) return;
  State& state = state_of(type_);
  const TransactionScope scope(state, 0, true);
  DX_CHECK(index + length <= state.branches[type_.branch].length);
  erase_range(state, type_.branch, index, length);
}

}  // namespace diaryx::crdt
