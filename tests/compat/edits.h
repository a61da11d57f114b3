// The operations of a `transact` step.
#pragma once

#include "engine/base/json.h"
#include "engine/base/result.h"
#include "tests/compat/replica.h"

namespace diaryx::compat {

// Unsupported if the engine cannot do one of the operations, and which; asked before anything is
// done.
Status check_edits(const OrderedJson& ops);
// Does one operation, inside a transaction.
Status apply_edit(Replica& replica, const OrderedJson& op);

// The type at a path: root name, then map keys and indexes.
Result<crdt::TypeRef> resolve(const Replica& replica, const OrderedJson& path);

}  // namespace diaryx::compat
