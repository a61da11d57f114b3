// Whose the entries are of a turn that is not what was written. Only their documents need be
// refused, as long as it is clear whose they are.
#pragma once

#include <cstdint>
#include <functional>
#include <set>

#include "engine/base/bytes.h"

namespace diaryx::storage {

struct TurnOwners {
  std::set<std::int64_t> docs;  // documents.id
  bool all = true;              // False: there are entries of which nobody can tell whose they are.
};

// Each entry has a sum of its own, so those behind a damaged one are found again. Of the damaged
// one it is tried whether one flipped bit of its numbers explains it; else they are believed if its
// size leads to the next entry. `is_document`: there is one of that id.
TurnOwners owners_of(Bytes row, const std::function<bool(std::int64_t)>& is_document);

}  // namespace diaryx::storage
