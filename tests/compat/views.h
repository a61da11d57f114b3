// What can be seen of a document, as the corpus shows it: strings, deltas, JSON, XML trees.
#pragma once

#include "engine/base/json.h"
#include "engine/crdt/doc.h"
#include "engine/crdt/update.h"

namespace diaryx::compat {

// Of the roots of that declaration: name → view.
OrderedJson view_roots(crdt::Doc& doc, const OrderedJson& roots);
OrderedJson view_delta(crdt::TypeRef text);
// A value as an event has it: types and sub-documents are named as such.
OrderedJson view_typed(const crdt::Value& value);
std::string_view view_kind(crdt::TypeRef type);
// {"client": clock, …}, also from an encoded state vector.
OrderedJson view_clocks(const crdt::ClockMap& clocks);
OrderedJson view_state_vector(Bytes state_vector);

}  // namespace diaryx::compat
