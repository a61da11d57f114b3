// The deletes of updates that are not in a document: clients by their ids.
#pragma once

#include <vector>

#include "engine/crdt/id.h"
#include "engine/crdt/wire/sink.h"

namespace diaryx::crdt {

struct WireDelete {
  std::uint64_t client;
  Clock clock;
  std::uint64_t length;
};

// By client, highest id first, and clock; ranges that touch or overlap become one.
void sort_and_join(std::vector<WireDelete>& deletes);

// What an update ends with. The ranges of a client must stand together.
template <class Sink>
void write_deletes(Sink& sink, const std::vector<WireDelete>& deletes) {
  WireWriter& rest = sink.rest();
  rest.reserve((deletes.size() * 4 + 1) * WireWriter::kMaxVar);
  std::uint64_t clients = 0;
  for (std::size_t i = 0; i < deletes.size(); ++i)
    clients += i == 0 || deletes[i].client != deletes[i - 1].client;
  rest.var_uint(clients);
  for (std::size_t i = 0; i < deletes.size();) {
    std::size_t end = i;
    while (end < deletes.size() && deletes[end].client == deletes[i].client) ++end;
    sink.begin_deletes();
    rest.var_uint(deletes[i].client);
    rest.var_uint(end - i);
    for (; i < end; ++i) sink.delete_range(deletes[i].clock, deletes[i].length);
  }
}

}  // namespace diaryx::crdt
