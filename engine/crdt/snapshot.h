// What a document had at one moment: how far it knew each client, and what of that was deleted. A
// snapshot names units and holds no content; to look at it (snapshot_view.h) takes a document that
// has kept what was deleted since, that is one without garbage collection.
//
//   snapshot := deletes, state vector
//   deletes  := varuint n, n × (varuint client, varuint m, m × range)       highest client first
//   range    := v1: varuint clock, varuint length
//             | v2: varuint clock - end of the range before (0 for a client's first),
//                   varuint length - 1
//   state vector := varuint n, n × (varuint client, varuint clock)          highest client first
//
// Example: client 5 wrote five units, of which 1 and 2 are deleted:
//   v1: 01 05 01 01 02 01 05 05      v2: 01 05 01 01 01 01 05 05
#pragma once

#include <map>
#include <vector>

#include "engine/base/bytes.h"
#include "engine/base/result.h"
#include "engine/crdt/doc.h"
#include "engine/crdt/update.h"

namespace diaryx::crdt {

// Deleted units per client, as ranges in ascending order that neither overlap nor touch.
class DeleteSet {
 public:
  struct Range {
    std::uint64_t clock;
    std::uint64_t length;  // At least 1.
    std::uint64_t end() const noexcept { return clock + length; }
    bool operator==(const Range&) const = default;
  };
  using Ranges = std::vector<Range>;
  using ByClient = std::map<std::uint64_t, Ranges>;

  // In any order. A range of length 0 adds nothing.
  void add(std::uint64_t client, Range range);
  // Sorts and joins what was added. To be called before anything else is asked.
  void normalise();

  const ByClient& by_client() const noexcept { return by_client_; }
  // Null if nothing of that client is deleted.
  const Ranges* find(std::uint64_t client) const noexcept;
  bool contains(const DeleteSet& other) const noexcept;
  bool operator==(const DeleteSet&) const = default;

 private:
  ByClient by_client_;
};

struct Snapshot {
  DeleteSet deletes;
  ClockMap clocks;

  // Yjs' equalSnapshots.
  bool operator==(const Snapshot&) const = default;
};

// Of what is in the document now; parts that wait are not in it.
Snapshot take_snapshot(const Doc& doc);

Buffer encode_snapshot_v1(const Snapshot& snapshot);
Buffer encode_snapshot_v2(const Snapshot& snapshot);
// Malformed if the bytes do not follow the format, to the last octet. Ranges may come in any order.
Result<Snapshot> decode_snapshot_v1(Bytes bytes);
Result<Snapshot> decode_snapshot_v2(Bytes bytes);

// Would the update bring nothing new to a document at that snapshot (Yjs' snapshotContainsUpdate)?
// Malformed if it is no update.
Result<bool> snapshot_contains_update_v1(const Snapshot& snapshot, Bytes update);
Result<bool> snapshot_contains_update_v2(const Snapshot& snapshot, Bytes update);

}  // namespace diaryx::crdt
