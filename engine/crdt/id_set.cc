#include "engine/crdt/id_set.h"

#include <algorithm>

namespace diaryx::crdt {

void IdSet::add(ClientIx client, Clock clock, std::uint64_t length) {
  const auto known = std::find_if(clients_.begin(), clients_.end(),
                                  [client](const Client& c) { return c.client == client; });
  if (known == clients_.end()) {
    clients_.push_back({client, {{clock, length}}});
    return;
  }
  std::vector<Range>& ranges = known->ranges;
  // The first range that does not end before `clock`; usually there is none.
  auto at = ranges.end();
  if (ranges.back().end() >= clock) {
    at = std::partition_point(ranges.begin(), ranges.end(),
                              [clock](const Range& range) { return range.end() < clock; });
  }
  Clock end = clock + length;
  auto last = at;
  for (; last != ranges.end() && last->clock <= end; ++last) {
    clock = std::min(clock, last->clock);
    end = std::max(end, last->end());
  }
  if (at == last) {
    ranges.insert(at, {clock, length});
  } else {
    *at = {clock, end - clock};
    ranges.erase(at + 1, last);
  }
}

void IdSet::add(const IdSet& other) {
  for (const Client& entry : other.clients_) {
    for (const Range& range : entry.ranges) add(entry.client, range.clock, range.length);
  }
}

bool IdSet::contains(Id id) const noexcept {
  for (const Client& entry : clients_) {
    if (entry.client != id.client) continue;
    const auto after =
        std::partition_point(entry.ranges.begin(), entry.ranges.end(),
                             [&](const Range& range) { return range.clock <= id.clock; });
    return after != entry.ranges.begin() && id.clock < std::prev(after)->end();
  }
  return false;
}

}  // namespace diaryx::crdt
