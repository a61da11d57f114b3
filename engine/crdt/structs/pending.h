// Parts of updates that wait inside the document for something that has not arrived yet.
//
// Structs wait as encoded updates, one per delivery, unmerged until somebody asks or they pile up:
// a long run of updates whose first is missing costs linear, not quadratic work. Deletes of unknown
// clocks wait as ranges.
#pragma once

#include <vector>

#include "engine/base/bytes.h"
#include "engine/crdt/id.h"

namespace diaryx::crdt {

struct Pending {
  // Updates v2 without deletes: v1 knows the values of embeds and formats only as JSON.
  std::vector<Buffer> updates;
  std::size_t octets = 0;         // Of all of them.
  std::size_t merged_octets = 0;  // After the last merge.
  struct Missing {
    ClientIx client;
    Clock clock;  // As soon as we know more than this of it, another try makes sense.
  };
  std::vector<Missing> missing;
  std::vector<DeleteRange> deletes;
  std::size_t normal_deletes = 0;  // How many there were after they were last sorted and joined.

  bool empty() const noexcept { return updates.empty() && deletes.empty(); }
};

}  // namespace diaryx::crdt
