#include "engine/crdt/snapshot.h"

#include <algorithm>

#include <fmt/format.h>

#include "engine/crdt/state.h"
#include "engine/crdt/wire/lazy_update.h"

namespace diaryx::crdt {
namespace {

// The ranges of one client in the encoding of one format.
class RangeReader {
 public:
  RangeReader(WireReader& in, bool v2) : in_(in), v2_(v2) {}

  DeleteSet::Range next() {
    std::uint64_t clock = in_.var_uint();
    std::uint64_t length = in_.var_uint();
    if (v2_) {
      clock += end_;
      ++length;
    }
    if (clock > kMaxClock || length > kMaxClock - clock) {
      in_.fail("a deleted clock above 2^53 - 1");
      return {0, 0};
    }
    end_ = clock + length;
    return {clock, length};
  }

 private:
  WireReader& in_;
  bool v2_;
  std::uint64_t end_ = 0;
};

DeleteSet read_deletes(WireReader& in, bool v2) {
  DeleteSet deletes;
  const std::uint64_t clients = in.var_uint();
  for (std::uint64_t i = 0; i < clients && !in.failed(); ++i) {
    const std::uint64_t client = in.var_uint();
    const std::uint64_t count = in.var_uint();
    RangeReader ranges(in, v2);
    for (std::uint64_t k = 0; k < count && !in.failed(); ++k) deletes.add(client, ranges.next());
  }
  deletes.normalise();
  return deletes;
}

Result<Snapshot> decode(Bytes bytes, bool v2) {
  WireReader in(bytes);
  Snapshot snapshot;
  snapshot.deletes = read_deletes(in, v2);
  if (in.failed()) {
    return Error{ErrorCode::Malformed,
                 fmt::format("snapshot: {} (octet {})", in.why(), in.failed_at())};
  }
  auto clocks = decode_state_vector(bytes.subspan(in.position()));
  if (!clocks) return std::move(clocks).error().with("snapshot");
  snapshot.clocks = std::move(*clocks);
  return snapshot;
}

Buffer encode(const Snapshot& snapshot, bool v2) {
  WireWriter out;
  const DeleteSet::ByClient& by_client = snapshot.deletes.by_client();
  out.reserve(WireWriter::kMaxVar);
  out.var_uint(by_client.size());
  for (auto at = by_client.rbegin(); at != by_client.rend(); ++at) {
    const auto& [client, ranges] = *at;
    out.reserve((2 * ranges.size() + 2) * WireWriter::kMaxVar);
    out.var_uint(client);
    out.var_uint(ranges.size());
    std::uint64_t end = 0;
    for (const DeleteSet::Range& range : ranges) {
      out.var_uint(v2 ? range.clock - end : range.clock);
      out.var_uint(v2 ? range.length - 1 : range.length);
      end = range.end();
    }
  }
  const Buffer clocks = encode_state_vector(snapshot.clocks);
  out.reserve(clocks.size());
  out.bytes(clocks);
  return std::move(out).take();
}

template <class Source>
Result<bool> contains_update(const Snapshot& snapshot, Bytes update) {
  std::deque<Arena> owned;
  LazyReader<Source> reader(update, false, owned);
  bool contained = true;
  for (; const LazyStruct* current = reader.current(); reader.next()) {
    const auto known = snapshot.clocks.find(current->client);
    if (known == snapshot.clocks.end() || known->second < current->end()) contained = false;
  }
  std::vector<WireDelete> read;
  reader.read_deletes(read);
  DX_TRY_OK(reader.status());
  DeleteSet deletes;
  for (const WireDelete& range : read) deletes.add(range.client, {range.clock, range.length});
  deletes.normalise();
  return contained && snapshot.deletes.contains(deletes);
}

}  // namespace

void DeleteSet::add(std::uint64_t client, Range range) {
  if (range.length > 0) by_client_[client].push_back(range);
}

void DeleteSet::normalise() {
  for (auto& [client, ranges] : by_client_) {
    std::sort(ranges.begin(), ranges.end(),
              [](const Range& a, const Range& b) { return a.clock < b.clock; });
    std::size_t kept = 0;
    for (std::size_t i = 1; i < ranges.size(); ++i) {
      Range& last = ranges[kept];
      if (last.end() >= ranges[i].clock) {
        last.length = std::max(last.end(), ranges[i].end()) - last.clock;
      } else {
        ranges[++kept] = ranges[i];
      }
    }
    ranges.resize(kept + 1);
  }
}

const DeleteSet::Ranges* DeleteSet::find(std::uint64_t client) const noexcept {
  const auto found = by_client_.find(client);
  return found == by_client_.end() ? nullptr : &found->second;
}

bool DeleteSet::contains(const DeleteSet& other) const noexcept {
  for (const auto& [client, ranges] : other.by_client_) {
    const Ranges* ours = find(client);
    if (ours == nullptr) return false;
    auto at = ours->begin();
    for (const Range& range : ranges) {
      while (at != ours->end() && at->end() < range.end()) ++at;
      if (at == ours->end() || at->clock > range.clock) return false;
    }
  }
  return true;
}

Snapshot take_snapshot(const Doc& doc) {
  const State& state = doc.state();
  Snapshot snapshot;
  for (const ClientIx ix : state.store.by_id_descending()) {
    const Client& client = state.store[ix];
    if (client.state == 0) continue;
    snapshot.clocks[client.id] = client.state;
    ClockList::Place place = client.structs.first();
    do {
      const Item& item = state.items[client.structs[place].item];
      if (item.deleted()) snapshot.deletes.add(client.id, {item.clock, item.length});
    } while (client.structs.next(place));
  }
  snapshot.deletes.normalise();
  return snapshot;
}

Buffer encode_snapshot_v1(const Snapshot& snapshot) {
  return encode(snapshot, false);
}
Buffer encode_snapshot_v2(const Snapshot& snapshot) {
  return encode(snapshot, true);
}
Result<Snapshot> decode_snapshot_v1(Bytes bytes) {
  return decode(bytes, false);
}
Result<Snapshot> decode_snapshot_v2(Bytes bytes) {
  return decode(bytes, true);
}

Result<bool> snapshot_contains_update_v1(const Snapshot& snapshot, Bytes update) {
  return contains_update<V1Source>(snapshot, update);
}
Result<bool> snapshot_contains_update_v2(const Snapshot& snapshot, Bytes update) {
  return contains_update<V2Source>(snapshot, update);
}

}  // namespace diaryx::crdt
