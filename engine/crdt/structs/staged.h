// What was decoded from an update and is not yet part of the document.
#pragma once

#include <cstddef>
#include <vector>

#include "engine/crdt/id.h"

namespace diaryx::crdt {

// The structs of one client in one update: pool items [next, end), in clock order.
struct Section {
  ClientIx client;
  ItemIx next;
  ItemIx end;
  bool waits = false;  // Its next struct is being looked at, or what that depends on.
};

struct Staged {
  std::vector<Section> sections;     // One a client, highest id first.
  std::vector<DeleteRange> deletes;  // As they came.
  std::size_t arena_start = 0;       // Where the content of this update begins.
  std::size_t values_start = 0;
  bool from_outside = true;  // Else it waited inside the document and was checked when it came.
};

}  // namespace diaryx::crdt
