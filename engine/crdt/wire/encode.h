// From the document's storage to updates. The formats are those of Yjs (decode.h, source.h).
#pragma once

#include <span>

#include "engine/crdt/state.h"
#include "engine/crdt/wire/sink.h"

namespace diaryx::crdt {

// Each for V1Sink and V2Sink.

// One struct, without its first `offset` units. Also writes staged items.
template <class Sink>
void write_struct(const State& state, Sink& sink, const Item& item, std::uint64_t offset);

// The structs that a replica with these clocks lacks, clients in descending order of id. `known` is
// by ClientIx; clients beyond its end count as unknown.
template <class Sink>
void write_structs_since(const State& state, Sink& sink, const std::vector<Clock>& known);
// All deleted clocks of the document.
template <class Sink>
void write_document_deletes(const State& state, Sink& sink);
// `ranges` must be sorted and joined (collect.h).
template <class Sink>
void write_deletes(const State& state, Sink& sink, std::span<const DeleteRange> ranges);

// What the running transaction did.
template <class Sink>
void encode_transaction(const State& state, Sink& sink);

}  // namespace diaryx::crdt
