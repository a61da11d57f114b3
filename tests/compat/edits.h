// Editing a document as the corpus says it: the ops of a `transact` step (corpus/README.md).
#pragma once

#include "engine/base/json.h"
#include "engine/base/result.h"
#include "engine/crdt/doc.h"

namespace diaryx::compat {

// "text", "array", "map", "xmlfragment".
Result<crdt::TypeKind> root_kind(std::string_view name);
// Declares roots: name → kind.
Status declare_roots(crdt::Doc& doc, const OrderedJson& roots);
// A root name, then a map key or an index per level.
Result<crdt::TypeRef> resolve_path(crdt::Doc& doc, const OrderedJson& roots,
                                   const OrderedJson& path);
Status run_edit(crdt::Doc& doc, const OrderedJson& roots, const OrderedJson& op);

}  // namespace diaryx::compat
