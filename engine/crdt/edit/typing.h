// The short way for a key stroke.
//
// Nearly all edits of a text continue the one before: a character behind the last one typed, the
// character left of the cursor deleted, or the one right of it. Unless somebody wants to see
// what was deleted, such an edit changes one or two items and makes none:
//
//   typing      ["hel"]            →  ["hell"]              the last item of this client grows
//   backspace   ["hell"][+++]      →  ["hel"][++++]         the border to the deleted run beside it
//   delete      [+++]["lo"]        →  [++++]["o"]           moves by one
//
// (+ is a deleted unit.) The document is the same as after a transaction that cuts an item, deletes
// a piece and merges that with its neighbour; tests/unit/crdt/typing_test.cc compares.
#pragma once

#include <string_view>

#include "engine/crdt/state.h"

namespace diaryx::crdt {

// Both return false if the edit has to go the long way; then nothing has changed. `utf8` is not
// empty.
bool type_at_cursor(State& state, BranchIx branch, std::uint64_t index, std::string_view utf8);
bool erase_at_cursor(State& state, BranchIx branch, std::uint64_t index);
// The same for the key stroke of somebody else, as an update v1.
bool apply_key_stroke(State& state, Bytes update, Origin origin);

}  // namespace diaryx::crdt
