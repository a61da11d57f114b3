// What can be seen of a document, as the corpus shows it: strings, deltas, JSON, XML trees.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "engine/base/json.h"
#include "engine/crdt/doc.h"
#include "engine/crdt/update.h"

namespace diaryx::compat {

// Of the roots of that declaration: name → view.
OrderedJson view_roots(crdt::Doc& doc, const OrderedJson& roots);
OrderedJson view_delta(const std::vector<crdt::DeltaOp>& delta);
// A type where a value is expected: {"$": "type", …}.
OrderedJson view_type(crdt::TypeRef type);
std::string_view view_kind(crdt::TypeRef type);
OrderedJson view_document(const crdt::SubDocument& document);
// What a plain object of JavaScript with these members would be; names are WTF-8.
OrderedJson view_object(const std::vector<std::pair<std::string, OrderedJson>>& members);
// {"client": clock, …}, also from an encoded state vector.
OrderedJson view_clocks(const crdt::ClockMap& clocks);
OrderedJson view_state_vector(Bytes state_vector);

}  // namespace diaryx::compat
