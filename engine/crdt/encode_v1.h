// From the document's storage to update v1. The format is that of Yjs (decode_v1.h has the
// grammar).
#pragma once

#include <span>

#include "engine/crdt/state.h"

namespace diaryx::crdt {

// One struct, without its first `offset` units. Also writes staged items.
void write_struct(const State& state, WireWriter& out, const Item& item, std::uint64_t offset);

// The structs that a replica with these clocks lacks, clients in descending order of id. `known` is
// by ClientIx; clients beyond its end count as unknown.
void write_structs_since(const State& state, WireWriter& out, const std::vector<Clock>& known);
// All deleted clocks of the document.
void write_document_deletes(const State& state, WireWriter& out);
// `ranges` must be sorted and joined (collect.h).
void write_deletes(const State& state, WireWriter& out, std::span<const DeleteRange> ranges);

// What the running transaction did.
void encode_transaction(const State& state, WireWriter& out);

}  // namespace diaryx::crdt
