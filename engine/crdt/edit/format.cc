#include "engine/crdt/edit/format.h"

#include <algorithm>
#include <limits>
#include <string>

#include "engine/base/check.h"
#include "engine/codec/json_text.h"
#include "engine/crdt/edit/integrate.h"
#include "engine/crdt/edit/list_edit.h"
#include "engine/crdt/edit/value.h"

namespace diaryx::crdt {
namespace {

std::string_view json_of(const State& state, ValueIx value) {
  if (value == kNone) return "null";
  const JsonValue& known = state.values[value];
  return as_text(Bytes(state.arena.data() + known.json, known.json_size));
}

bool is_structured(std::string_view json) noexcept {
  return json[0] == '{' || json[0] == '[';
}

// JavaScript's ===: structured values are the same only if they are the same object.
bool identical(const State& state, ValueIx a, ValueIx b) {
  if (a == b) return true;
  const std::string_view left = json_of(state, a);
  return left == json_of(state, b) && !is_structured(left);
}

codec::AnyObject members_of(std::string_view json) {
  auto value = codec::parse_js_json(json);
  DX_CHECK(value);
  if (auto* object = value->get<codec::AnyObject>()) return std::move(*object);
  codec::AnyObject members;
  if (const auto* array = value->get<codec::AnyArray>()) {
    for (std::size_t i = 0; i < array->size(); ++i)
      members.emplace_back(std::to_string(i), (*array)[i]);
  }
  return members;
}

bool is_structured(const codec::Any& value) noexcept {
  return value.get<codec::AnyObject>() != nullptr || value.get<codec::AnyArray>() != nullptr;
}

void forward(const State& state, TextCursor& cursor) {
  const Item& item = state.items[cursor.right];
  if (item.kind == Kind::Format && !item.deleted()) pass_mark(state, cursor.current, item);
  cursor.left = cursor.right;
  cursor.right = item.right;
}

ValueIx null_value(State& state) {
  if (state.null_value == kNone) {
    state.null_value = static_cast<ValueIx>(state.values.size());
    state.values.push_back(store_json_value(state.arena, codec::Null{}));
  }
  return state.null_value;
}

void insert_mark(State& state, TextCursor& cursor, KeyIx key, ValueIx value) {
  Item mark;
  mark.kind = Kind::Format;
  mark.length = 1;
  mark.parent = cursor.branch;
  mark.content = key;
  mark.content_size = value == kNone ? null_value(state) : value;
  cursor.right = insert_local(state, cursor.left, cursor.right, mark);
  forward(state, cursor);
}

// Goes right over what is deleted and over marks that already say what we want.
void skip_matching(const State& state, TextCursor& cursor, const AttributeList& attributes) {
  while (cursor.right != kNone) {
    const Item& item = state.items[cursor.right];
    const bool matches =
        item.kind == Kind::Format &&
        equal_values(state, value_or_null(attributes, key_of(item)), value_of_mark(item));
    if (!item.deleted() && !matches) return;
    forward(state, cursor);
  }
}

// Starts the attributes that do not hold yet; returns what must be set again behind the content.
AttributeList insert_marks(State& state, TextCursor& cursor, const AttributeList& attributes) {
  AttributeList negated;
  for (const Attribute& wanted : attributes) {
    const ValueIx current = value_or_null(cursor.current, wanted.key);
    if (equal_values(state, current, wanted.value)) continue;
    negated.set(wanted.key, current);
    insert_mark(state, cursor, wanted.key, wanted.value);
  }
  return negated;
}

void insert_negated(State& state, TextCursor& cursor, AttributeList negated) {
  while (cursor.right != kNone) {
    const Item& item = state.items[cursor.right];
    if (!item.deleted()) {
      if (item.kind != Kind::Format) break;
      // A key that is not there is JavaScript's undefined, which equals no value, not even null.
      const Attribute* found = negated.find(key_of(item));
      if (found == nullptr || !equal_values(state, found->value, value_of_mark(item))) break;
      negated.remove(key_of(item));
    }
    forward(state, cursor);
  }
  for (const Attribute& attribute : negated)
    insert_mark(state, cursor, attribute.key, attribute.value);
}

// JavaScript walks over integer-like keys first, in ascending order, however they came into the
// object.
void order_keys(const State& state, AttributeList& list) {
  const auto integer_like = [&](const Attribute& a) {
    return codec::is_integer_like(state.keys[a.key]);
  };
  if (std::none_of(list.begin(), list.end(), integer_like)) return;
  list.rearrange([&](auto& entries) {
    const auto others = std::stable_partition(entries.begin(), entries.end(), integer_like);
    std::stable_sort(entries.begin(), others, [&](const Attribute& a, const Attribute& b) {
      const std::string_view left = state.keys[a.key];
      const std::string_view right = state.keys[b.key];
      return left.size() != right.size() ? left.size() < right.size() : left < right;
    });
  });
}

// Between two places without visible content in between: deletes marks that another one overrides
// or that change nothing.
void clean_gap(State& state, ItemIx start, ItemIx current_place,
               const AttributeList& start_attributes, AttributeList& current) {
  ItemIx end = start;
  KeyedList<ItemIx> last_marks;  // Per key the last mark of the gap.
  for (; end != kNone; end = state.items[end].right) {
    const Item& item = state.items[end];
    if (item.visible()) break;
    if (item.deleted() || item.kind != Kind::Format) continue;
    last_marks.set(key_of(item), end);
  }
  bool before_place = true;
  for (ItemIx ix = start; ix != end; ix = state.items[ix].right) {
    if (ix == current_place) before_place = false;
    const Item& item = state.items[ix];
    if (item.deleted() || item.kind != Kind::Format) continue;
    const KeyIx key = key_of(item);
    const ValueIx value = value_of_mark(item);
    const ValueIx at_start = value_or_null(start_attributes, key);
    const auto* last_mark = last_marks.find(key);
    const bool last = last_mark != nullptr && last_mark->value == ix;
    const bool changes_nothing = identical(state, at_start, value);
    if (!last || changes_nothing) {
      delete_item(state, ix);
      if (before_place && identical(state, value_or_null(current, key), value) &&
          !changes_nothing) {
        if (is_null(state, at_start)) {
          current.remove(key);
        } else {
          current.set(key, at_start);
        }
      }
    }
    if (before_place && !state.items[ix].deleted()) pass_mark(state, current, state.items[ix]);
  }
}

}  // namespace

bool is_null(const State& state, ValueIx value) {
  return json_of(state, value) == "null";
}

bool equal_values(const State& state, ValueIx a, ValueIx b) {
  if (identical(state, a, b)) return true;
  const std::string_view left = json_of(state, a);
  const std::string_view right = json_of(state, b);
  if (!is_structured(left) || !is_structured(right)) return false;
  const codec::AnyObject ours = members_of(left);
  const codec::AnyObject theirs = members_of(right);
  if (ours.size() != theirs.size()) return false;
  return std::all_of(ours.begin(), ours.end(), [&](const auto& member) {
    const auto same_key = [&](const auto& other) { return other.first == member.first; };
    const auto found = std::find_if(theirs.begin(), theirs.end(), same_key);
    return found != theirs.end() && !is_structured(member.second) && member.second == found->second;
  });
}

AttributeList make_attributes(State& state, const Attributes& attributes) {
  AttributeList list;
  for (const auto* entry : codec::in_key_order(attributes)) {
    const KeyIx key = state.keys.intern(entry->first);
    if (entry->second.is_null()) {
      list.set(key, kNone);
      continue;
    }
    const auto value = static_cast<ValueIx>(state.values.size());
    state.values.push_back(store_json_value(state.arena, entry->second));
    list.set(key, value);
  }
  return list;
}

void pass_mark(const State& state, AttributeList& current, const Item& mark) {
  if (is_null(state, value_of_mark(mark))) {
    current.remove(key_of(mark));
  } else {
    current.set(key_of(mark), value_of_mark(mark));
  }
}

codec::Any value_of(const State& state, ValueIx value) {
  if (value == kNone) return codec::Null{};
  return json_value(state, value);
}

Attributes make_object(const State& state, const AttributeList& list) {
  Attributes object;
  for (const Attribute& attribute : list)
    object.emplace_back(state.keys[attribute.key], value_of(state, attribute.value));
  codec::normalise_keys(object);
  return object;
}

TextCursor at_start(const State& state, BranchIx branch) {
  return {branch, kNone, state.branches[branch].start, {}};
}

TextCursor seek(State& state, BranchIx branch, std::uint64_t index) {
  if (!state.branches[branch].has_formatting) {
    const ItemIx left = cut_at(state, branch, std::min(index, state.branches[branch].length));
    return {
        branch, left, left != kNone ? state.items[left].right : state.branches[branch].start, {}};
  }
  // Every mark before the place counts.
  TextCursor cursor = at_start(state, branch);
  while (cursor.right != kNone && index > 0) {
    const Item& item = state.items[cursor.right];
    if (item.kind != Kind::Format && !item.deleted()) {
      if (index < item.length) split_item(state, cursor.right, index);
      index -= state.items[cursor.right].length;
    }
    forward(state, cursor);
  }
  return cursor;
}

void insert_content(State& state, TextCursor& cursor, const Item& content, AttributeList attributes,
                    const Fill& fill) {
  for (const Attribute& current : cursor.current) {
    if (attributes.find(current.key) == nullptr) attributes.set(current.key, kNone);
  }
  order_keys(state, attributes);
  skip_matching(state, cursor, attributes);
  const AttributeList negated = insert_marks(state, cursor, attributes);
  Item item = content;
  item.parent = cursor.branch;
  const ItemIx ix = insert_local(state, cursor.left, cursor.right, item);
  if (fill) fill(TypeRef{state.doc, item.content});
  cursor.left = ix;  // The new item, or the left one grown by it.
  insert_negated(state, cursor, negated);
}

void format_range(State& state, TextCursor& cursor, std::uint64_t length,
                  const AttributeList& attributes) {
  skip_matching(state, cursor, attributes);
  AttributeList negated = insert_marks(state, cursor, attributes);
  while (cursor.right != kNone) {
    const Item& item = state.items[cursor.right];
    const bool invisible = item.deleted() || item.kind == Kind::Format;
    if (length == 0 && (negated.empty() || !invisible)) break;
    if (item.kind == Kind::Format && !item.deleted()) {
      const KeyIx key = key_of(item);
      const ValueIx value = value_of_mark(item);
      const Attribute* wanted = attributes.find(key);
      if (wanted == nullptr) {
        cursor.current.set(key, value);
      } else {
        if (equal_values(state, wanted->value, value)) {
          negated.remove(key);
        } else if (length == 0) {
          break;
        } else {
          negated.set(key, value);
        }
        delete_item(state, cursor.right);
      }
    } else if (!item.deleted()) {
      if (length < item.length) split_item(state, cursor.right, length);
      length -= state.items[cursor.right].length;
    }
    forward(state, cursor);
  }
  if (length > 0) {
    DX_CHECK(length <= std::numeric_limits<std::uint32_t>::max());  // Octets of one item.
    Item line_ends;
    line_ends.kind = Kind::String;
    line_ends.set_length(length);
    line_ends.set(Item::kAscii);
    line_ends.parent = cursor.branch;
    line_ends.content = static_cast<std::uint32_t>(state.arena.size());
    line_ends.content_size = static_cast<std::uint32_t>(length);
    state.arena.fill(static_cast<std::size_t>(length), '\n');
    cursor.left = insert_local(state, cursor.left, cursor.right, line_ends);
  }
  insert_negated(state, cursor, negated);
}

void erase_content(State& state, TextCursor& cursor, std::uint64_t length) {
  const AttributeList start_attributes = cursor.current;
  const ItemIx start = cursor.right;
  while (length > 0 && cursor.right != kNone) {
    const Item& item = state.items[cursor.right];
    if (!item.deleted() &&
        (item.kind == Kind::Type || item.kind == Kind::Embed || item.kind == Kind::String)) {
      if (length < item.length) split_item(state, cursor.right, length);
      length -= state.items[cursor.right].length;
      delete_item(state, cursor.right);
    }
    forward(state, cursor);
  }
  if (start != kNone && state.branches[cursor.branch].has_formatting) {
    clean_gap(state, start, cursor.right, start_attributes, cursor.current);
  }
}

void clean_formats(State& state, BranchIx branch) {
  ItemIx start = state.branches[branch].start;
  AttributeList start_attributes;
  AttributeList current;
  for (ItemIx end = start; end != kNone; end = state.items[end].right) {
    const Item& item = state.items[end];
    if (item.deleted()) continue;
    if (item.kind == Kind::Format) {
      pass_mark(state, current, item);
      continue;
    }
    clean_gap(state, start, end, start_attributes, current);
    // Only where a mark stayed has anything changed: to copy all would be quadratic work.
    for (ItemIx ix = start; ix != end; ix = state.items[ix].right) {
      const Item& mark = state.items[ix];
      if (mark.deleted() || mark.kind != Kind::Format) continue;
      if (const Attribute* now = current.find(key_of(mark))) {
        start_attributes.set(now->key, now->value);
      } else {
        start_attributes.remove(key_of(mark));
      }
    }
    start = end;
  }
}

}  // namespace diaryx::crdt
