// A set of clocks of several clients: Yjs' DeleteSet, as an UndoManager keeps it.
//
// The clients stay in the order in which they came in. That order decides which item is brought
// back first, and so which clock it gets.
#pragma once

#include <vector>

#include "engine/crdt/id.h"

namespace diaryx::crdt {

class IdSet {
 public:
  struct Range {
    Clock clock;
    std::uint64_t length;
    Clock end() const noexcept { return clock + length; }
  };
  struct Client {
    ClientIx client;
    std::vector<Range> ranges;  // Ascending, neither overlapping nor touching.
  };

  void add(ClientIx client, Clock clock, std::uint64_t length);
  void add(const IdSet& other);
  bool contains(Id id) const noexcept;
  bool empty() const noexcept { return clients_.empty(); }
  const std::vector<Client>& clients() const noexcept { return clients_; }

 private:
  std::vector<Client> clients_;
};

}  // namespace diaryx::crdt
