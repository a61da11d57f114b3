// What a shared type looks like from outside, in the words of the corpus (corpus/README.md, "Steps
// on documents").
//
// Reads the items of the document directly: deltas and trees are not what the engine's users need,
// and so not in doc.h.
#pragma once

#include <optional>
#include <string_view>

#include "engine/base/json.h"
#include "engine/crdt/doc.h"

namespace diaryx::compat {

// "text", "array", "map", "xmlfragment", …: nothing for any other word.
std::optional<crdt::TypeKind> type_kind(std::string_view name) noexcept;

// As a root in the expectation of `check`.
OrderedJson root_view(crdt::TypeRef type);

}  // namespace diaryx::compat
