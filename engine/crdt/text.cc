#include <algorithm>
#include <cstring>

#include "engine/codec/wtf8.h"
#include "engine/crdt/edit/format.h"
#include "engine/crdt/edit/integrate.h"
#include "engine/crdt/edit/list_edit.h"
#include "engine/crdt/edit/position.h"
#include "engine/crdt/edit/typing.h"
#include "engine/crdt/edit/value.h"

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
  item.set_length(shape.units);
  item.flags = shape.flags;
  item.content = state.arena.append(text);
  item.content_size = static_cast<std::uint32_t>(text.size());
  return item;
}

Item make_embed_item(State& state, const codec::Any& embed) {
  Item item;
  item.kind = Kind::Embed;
  item.length = 1;
  item.content = static_cast<std::uint32_t>(state.values.size());
  state.values.push_back(store_json_value(state.arena, embed));
  return item;
}

constexpr std::size_t kShort = 16;

// Puts `piece` behind the first `size` octets of `text`, which may have more.
void append_piece(std::string& text, std::size_t& size, std::string_view piece, bool surrogates) {
  if (surrogates) {
    text.resize(size);
    codec::append_wtf8(text, piece);  // Halves of a pair may meet here.
    size = text.size();
    return;
  }
  if (text.size() - size < piece.size()) text.resize(std::max(size + piece.size(), size * 2));
  std::memcpy(text.data() + size, piece.data(), piece.size());
  size += piece.size();
}

// The long ways, apart from the quick ones: a function that has them saves and restores more
// registers than a key stroke needs.
[[gnu::noinline]] void insert_anywhere(State& state, BranchIx branch_ix, std::uint64_t index,
                                       std::string_view utf8) {
  const TransactionScope scope(state, 0, true);
  const Branch& branch = state.branches[branch_ix];
  if (branch.has_formatting) {
    TextCursor cursor = seek(state, branch_ix, index);
    AttributeList inherited = cursor.current;
    return insert_content(state, cursor, make_text_item(state, utf8), std::move(inherited));
  }
  index = std::min(index, branch.length);
  const bool behind_deleted = branch.cursor != kNone && branch.cursor_index == index &&
                              !state.items[branch.cursor].visible();
  ItemIx left = behind_deleted ? branch.cursor : cut_at(state, branch_ix, index);
  ItemIx right = left != kNone ? state.items[left].right : state.branches[branch_ix].start;
  // Behind all that was deleted here.
  while (right != kNone && state.items[right].deleted()) {
    left = right;
    right = state.items[right].right;
  }
  Item item = make_text_item(state, utf8);
  item.parent = branch_ix;
  const ItemIx ix = insert_local(state, left, right, item);
  if (ix != left) set_cursor(state, branch_ix, ix, index);
}

[[gnu::noinline]] void erase_anywhere(State& state, BranchIx branch, std::uint64_t index,
                                      std::uint64_t length) {
  const TransactionScope scope(state, 0, true);
  if (state.branches[branch].has_formatting) {
    TextCursor cursor = seek(state, branch, index);
    return erase_content(state, cursor, length);
  }
  const std::uint64_t whole = state.branches[branch].length;
  if (index < whole) erase_range(state, branch, index, std::min(length, whole - index));
}

}  // namespace

std::uint64_t Text::length() const {
  return const_state_of(type_).branches[type_.branch].length;
}

std::string Text::to_string() const {
  const State& state = const_state_of(type_);
  const Branch& branch = state.branches[type_.branch];
  const std::size_t readable = state.arena.capacity();
  // As many octets as there are units, to begin with: enough for ASCII, and for copying short
  // pieces sixteen octets at a time.
  std::string text(static_cast<std::size_t>(branch.length) + kShort, '\0');
  std::size_t size = 0;
  for (ItemIx ix = branch.start; ix != kNone;) {
    const Item& item = state.items[ix];
    ix = item.right;
    // What shows nothing is copied as a piece of no length: half of a text's items are deleted, and
    // which ones they are the processor cannot guess.
    const bool shows = item.kind == Kind::String && !item.deleted();
    const std::size_t from = shows ? item.content : 0;
    const std::size_t count = shows ? item.content_size : 0;
    if (count <= kShort && from + kShort <= readable && text.size() - size >= kShort &&
        !item.has(Item::kHasSurrogates)) {
      std::memcpy(text.data() + size, state.arena.data() + from, kShort);
      size += count;
    } else if (shows) {
      append_piece(text, size, content_text(state.arena, item), item.has(Item::kHasSurrogates));
    }
  }
  text.resize(size);
  return text;
}

void Text::insert(std::uint64_t index, std::string_view utf8) {
  if (utf8.empty()) return;
  State& state = state_of(type_);
  if (!state.edits_quickly() || !type_at_cursor(state, type_.branch, index, utf8))
    insert_anywhere(state, type_.branch, index, utf8);
}

void Text::insert(std::uint64_t index, std::string_view utf8, const Attributes& attributes) {
  if (utf8.empty()) return;
  State& state = state_of(type_);
  const TransactionScope scope(state, 0, true);
  TextCursor cursor = seek(state, type_.branch, index);
  AttributeList wanted = make_attributes(state, attributes);
  insert_content(state, cursor, make_text_item(state, utf8), std::move(wanted));
}

void Text::insert_embed(std::uint64_t index, const codec::Any& embed,
                        const Attributes& attributes) {
  State& state = state_of(type_);
  const TransactionScope scope(state, 0, true);
  TextCursor cursor = seek(state, type_.branch, index);
  AttributeList wanted = make_attributes(state, attributes);
  insert_content(state, cursor, make_embed_item(state, embed), std::move(wanted));
}

TypeRef Text::insert_type(std::uint64_t index, const NewType& type, const Attributes& attributes) {
  State& state = state_of(type_);
  const TransactionScope scope(state, 0, true);
  TextCursor cursor = seek(state, type_.branch, index);
  AttributeList wanted = make_attributes(state, attributes);
  const Item item = make_type_item(state, type);
  insert_content(state, cursor, item, std::move(wanted), type.fill);
  return TypeRef{type_.doc, item.content};
}

void Text::erase(std::uint64_t index, std::uint64_t length) {
  if (length == 0) return;
  State& state = state_of(type_);
  if (length != 1 || !state.edits_quickly() || !erase_at_cursor(state, type_.branch, index))
    erase_anywhere(state, type_.branch, index, length);
}

void Text::format(std::uint64_t index, std::uint64_t length, const Attributes& attributes) {
  if (length == 0) return;
  State& state = state_of(type_);
  const TransactionScope scope(state, 0, true);
  TextCursor cursor = seek(state, type_.branch, index);
  if (cursor.right == kNone) return;
  const AttributeList wanted = make_attributes(state, attributes);
  format_range(state, cursor, length, wanted);
}

void Text::apply_delta(const std::vector<DeltaOp>& delta, bool sanitize) {
  State& state = state_of(type_);
  const TransactionScope scope(state, 0, true);
  TextCursor cursor = at_start(state, type_.branch);
  for (std::size_t i = 0; i < delta.size(); ++i) {
    const DeltaOp& op = delta[i];
    AttributeList attributes = make_attributes(state, op.attributes);
    if (op.kind == DeltaOp::Kind::Retain) {
      format_range(state, cursor, op.length, attributes);
    } else if (op.kind == DeltaOp::Kind::Delete) {
      erase_content(state, cursor, op.length);
    } else if (const auto* embed = std::get_if<codec::Any>(&op.insert)) {
      insert_content(state, cursor, make_embed_item(state, *embed), std::move(attributes));
    } else if (const auto* type = std::get_if<NewType>(&op.insert)) {
      insert_content(state, cursor, make_type_item(state, *type), std::move(attributes),
                     type->fill);
    } else if (const auto* text = std::get_if<std::string>(&op.insert)) {
      std::string_view inserted = *text;
      // Quill's texts always end with a line end, which Yjs does not keep.
      const bool at_end = i + 1 == delta.size() && cursor.right == kNone;
      if (!sanitize && at_end && inserted.ends_with('\n')) inserted.remove_suffix(1);
      if (!inserted.empty())
        insert_content(state, cursor, make_text_item(state, inserted), std::move(attributes));
    }
  }
}

std::vector<DeltaOp> Text::to_delta() const {
  const State& state = const_state_of(type_);
  std::vector<DeltaOp> delta;
  AttributeList current;
  const KeyIx change_mark = state.keys.find("ychange");
  std::string text;
  const auto attributes = [&] { return make_object(state, current); };
  const auto pack = [&] {
    if (!text.empty()) delta.push_back({DeltaOp::Kind::Insert, std::move(text), 0, attributes()});
    text.clear();
  };
  for (ItemIx ix = state.branches[type_.branch].start; ix != kNone; ix = state.items[ix].right) {
    const Item& item = state.items[ix];
    if (item.deleted()) continue;
    if (item.kind == Kind::String) {
      // Yjs keeps that name for its marks of what changed (snapshot_view.h) and ends it here.
      if (change_mark != kNone)
        std::erase_if(current, [&](const Attribute& known) { return known.key == change_mark; });
      codec::append_wtf8(text, content_text(state.arena, item));
    } else if (item.kind == Kind::Format) {
      pack();
      pass_mark(state, current, item);
    } else if (item.kind == Kind::Embed || item.kind == Kind::Type) {
      pack();
      DeltaOp op{DeltaOp::Kind::Insert, {}, 0, attributes()};
      const Value value = value_at(state, ix, 0);
      if (const auto* type = std::get_if<TypeRef>(&value)) {
        op.insert = *type;
      } else {
        op.insert = std::get<codec::Any>(value);
      }
      delta.push_back(std::move(op));
    }
  }
  pack();
  return delta;
}

}  // namespace diaryx::crdt
