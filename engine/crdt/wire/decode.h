// From an update to staged items: decoded straight into the document's storage, checked whole, not
// yet linked.
//
// In v1 (v2 has the same parts in columns, see source.h, and any-values for JSON):
//
//   update   := varuint n, n × section, deletes
//   section  := varuint structs (>= 0), varuint client, varuint clock of the first, structs ×
//   struct struct   := 00 varuint length                      GC
//             | 0a varuint length                      Skip: clocks that this update says nothing
//             about | info [origin:id] [right origin:id] [parent] content
//   info     := content kind (1..9) | 80 has origin | 40 has right origin | 20 has parent sub
//   parent   := only with neither origin: (01 varstring root name | 00 id), then varstring parent
//   sub if the bit is set id       := varuint client, varuint clock content  := 1 Deleted varuint
//   length | 2 JSON varuint n, n × varstring | 3 Binary varbytes | 4 String varstring
//             | 5 Embed varstring JSON | 6 Format varstring key, varstring JSON | 7 Type varuint
//             kind [varstring name] | 8 Any varuint n, n × any | 9 Doc varstring guid, any options
//   deletes  := varuint n, n × (varuint client, varuint m, m × (varuint clock, varuint length))
//
// Example: 01 01 05 00 04 01 01 "t" 02 "hi" 00   client 5 wrote "hi" into the root text "t";
// nothing deleted.
#pragma once

#include "engine/crdt/state.h"

namespace diaryx::crdt {

enum class Format : std::uint8_t { V1, V2 };

// Malformed or LimitExceeded: then the document is as it was. `staged` is overwritten, its capacity
// kept.
Status decode_update(State& state, Format format, Bytes update, Staged& staged);

// Gives back a staged item that is not wanted.
void discard_staged(State& state, ItemIx ix);

}  // namespace diaryx::crdt
