// Between the values of the API and the content of items.
#pragma once

#include "engine/crdt/state.h"

namespace diaryx::crdt {

// Calls visit(const Value&) for each element of a live, countable item; a string gives its units
// one by one.
void for_each_value(const State& state, ItemIx ix, const std::function<void(const Value&)>& visit);
// The same, without copies.
void visit_values(const State& state, ItemIx ix, const std::function<void(const ValueView&)>& look);
// One of them. `offset` < length of the item.
Value value_at(const State& state, ItemIx ix, std::uint64_t offset);
ValueView view_at(const State& state, ItemIx ix, std::uint64_t offset);

// The value of a format mark or an embed.
codec::Any json_value(const State& state, ValueIx ix);

// Content for a new item that holds `value`.
Item make_value_item(State& state, const codec::Any& value);
// Content for a new item that is a shared type, or a sub-document.
Item make_type_item(State& state, const NewType& type);
Item make_document_item(State& state, const SubDocument& document);
// The sub-document that a Kind::Doc item is, deleted or not.
SubDocument document_in(const State& state, ItemIx ix);
// The sub-document that an item is, if it is one and there.
std::optional<SubDocument> document_of(const State& state, ItemIx ix);

}  // namespace diaryx::crdt
