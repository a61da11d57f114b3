// Rich text: the marks between the characters of a text, and the edits that must keep them right.
//
// A format mark (key, value) holds from its place to the next mark with that key; a null value ends
// it. Marks are items of length 1 that nobody sees. Yjs decides which marks an edit adds or
// removes, and where; so the order of the steps here is that of YText, because it decides the
// bytes.
#pragma once

#include "engine/crdt/edit/keyed_list.h"
#include "engine/crdt/state.h"

namespace diaryx::crdt {

// In the order of a JavaScript Map or object, whichever Yjs has there. A value of kNone is null: no
// such attribute, which is not the same as no such key.
using AttributeList = KeyedList<ValueIx>;
using Attribute = AttributeList::Entry;

// `map.get(key) ?? null`
inline ValueIx value_or_null(const AttributeList& list, KeyIx key) {
  const Attribute* found = list.find(key);
  return found == nullptr ? kNone : found->value;
}
// Yjs' equalAttrs: identical, or objects with identical members, one level deep.
bool equal_values(const State& state, ValueIx a, ValueIx b);
bool is_null(const State& state, ValueIx value);

// What a format mark says.
inline KeyIx key_of(const Item& mark) noexcept {
  return mark.content;
}
inline ValueIx value_of_mark(const Item& mark) noexcept {
  return mark.content_size;
}

// Attributes of the API as a list, in the order in which JavaScript walks over such an object.
AttributeList make_attributes(State& state, const Attributes& attributes);
// The JSON value of a mark.
codec::Any value_of(const State& state, ValueIx value);
// The way back: as a JavaScript object has them.
Attributes make_object(const State& state, const AttributeList& list);

// What holds behind a mark.
void pass_mark(const State& state, AttributeList& current, const Item& mark);

// A place between two items of a text, and the attributes that hold there.
struct TextCursor {
  BranchIx branch;
  ItemIx left = kNone;
  ItemIx right = kNone;
  AttributeList current;
};

// The place behind the first `index` visible units; an item there is cut. Beyond the end: the end.
TextCursor seek(State& state, BranchIx branch, std::uint64_t index);
TextCursor at_start(const State& state, BranchIx branch);

// Inserts an item (content, kind, length, flags) with exactly these attributes and moves behind it.
// `fill`: for a type.
void insert_content(State& state, TextCursor& cursor, const Item& content, AttributeList attributes,
                    const Fill& fill = nullptr);
// Sets attributes on the next `length` units, adding line ends if the text is shorter, and moves
// behind them.
void format_range(State& state, TextCursor& cursor, std::uint64_t length,
                  const AttributeList& attributes);
// Deletes the next `length` units, as far as there are so many, and the marks that this makes
// useless.
void erase_content(State& state, TextCursor& cursor, std::uint64_t length);

// Deletes the useless marks of a whole text, as far as Yjs' scan reaches.
void clean_formats(State& state, BranchIx branch);

}  // namespace diaryx::crdt
