// Editing a list by index, as Array and the XML types do: insertions go right behind their live
// left neighbour.
#pragma once

#include "engine/crdt/state.h"

namespace diaryx::crdt {

// Makes `index` a border between items; returns the item left of it, kNone at the front.
ItemIx cut_at(State& state, BranchIx branch, std::uint64_t index);
// The item right of `left`; the first one if `left` is kNone.
ItemIx right_of(const State& state, BranchIx branch, ItemIx left) noexcept;
TypeRef insert_type_after(State& state, BranchIx branch, ItemIx left, const NewType& type);
void erase_range(State& state, BranchIx branch, std::uint64_t index, std::uint64_t length);

}  // namespace diaryx::crdt
