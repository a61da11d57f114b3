#include "engine/crdt/update.h"

#include <algorithm>
#include <queue>

#include <fmt/format.h>

#include "engine/crdt/wire/lazy_update.h"
#include "engine/crdt/wire/merge_log.h"

namespace diaryx::crdt {
namespace {

// Yjs' mergeUpdates, step for step, because which of two overlapping structs is kept is part of the
// bytes.
//
// Before each run of structs Yjs sorts all readers by (highest client, lowest clock) anew. Only the
// first one has moved since, so a heap gives the same order: readers that tie keep theirs, the one
// that moved before the others. There is one exception: for an Item and a GC at the same clock Yjs'
// comparison says "less" both ways, and the order is what V8's sort happens to make of that. A few
// updates are therefore sorted just as V8 does it (binary insertion below 64 elements); among many,
// such a tie goes by the heap's rule.
constexpr std::size_t kSortedLikeV8 = 16;

template <class Source, class Sink>
class Merge {
 public:
  explicit Merge(std::span<const Bytes> updates) {
    readers_.reserve(updates.size());
    for (const Bytes update : updates) readers_.emplace_back(update, true, owned_);
  }

  Result<Buffer> run() {
    if (readers_.size() <= kSortedLikeV8) {
      run_sorted();
    } else {
      run_heap();
    }
    if (writing_) writer_.write(write_, 0);
    std::vector<WireDelete> deletes;
    for (LazyReader<Source>& reader : readers_) {
      reader.read_deletes(deletes);
      DX_TRY_OK(reader.status());
    }
    sort_and_join(deletes);
    return writer_.finish(std::move(deletes));
  }

 private:
  // Yjs' comparison of two readers that stand at structs.
  static bool less(const LazyReader<Source>& a, const LazyReader<Source>& b) noexcept {
    const LazyStruct& left = *a.current();
    const LazyStruct& right = *b.current();
    if (left.client != right.client) return left.client > right.client;
    if (left.clock != right.clock) return left.clock < right.clock;
    return (left.kind == Kind::Gc) != (right.kind == Kind::Gc);
  }

  // Array.prototype.sort of V8 for short arrays: find a run at the front, insert the others by
  // binary search.
  static void sort_like_v8(std::vector<LazyReader<Source>*>& list) {
    if (list.size() < 2) return;
    std::size_t run = 2;
    const bool descending = less(*list[1], *list[0]);
    while (run < list.size() && less(*list[run], *list[run - 1]) == descending) ++run;
    if (descending) std::reverse(list.begin(), list.begin() + static_cast<std::ptrdiff_t>(run));
    for (; run < list.size(); ++run) {
      LazyReader<Source>* pivot = list[run];
      std::size_t low = 0;
      std::size_t high = run;
      while (low < high) {
        const std::size_t middle = low + (high - low) / 2;
        if (less(*pivot, *list[middle])) {
          high = middle;
        } else {
          low = middle + 1;
        }
      }
      const auto begin = list.begin();
      std::rotate(begin + static_cast<std::ptrdiff_t>(low),
                  begin + static_cast<std::ptrdiff_t>(run),
                  begin + static_cast<std::ptrdiff_t>(run) + 1);
    }
  }

  void run_sorted() {
    std::vector<LazyReader<Source>*> list;
    for (LazyReader<Source>& reader : readers_) list.push_back(&reader);
    for (;;) {
      std::erase_if(list,
                    [](const LazyReader<Source>* reader) { return reader->current() == nullptr; });
      if (list.empty()) return;
      sort_like_v8(list);
      take(*list.front());
    }
  }

  void run_heap() {
    for (std::size_t i = 0; i < readers_.size(); ++i) push(i, static_cast<std::int64_t>(i) + 1);
    while (!queue_.empty()) {
      const std::size_t reader = queue_.top().reader;
      queue_.pop();
      take(readers_[reader]);
      push(reader, --moved_);
    }
  }

  struct Entry {
    std::uint64_t client;
    Clock clock;
    std::int64_t order;
    std::size_t reader;
    bool operator<(const Entry& other) const noexcept {  // The greatest comes first.
      if (client != other.client) return client < other.client;
      if (clock != other.clock) return clock > other.clock;
      return order > other.order;
    }
  };

  void push(std::size_t reader, std::int64_t order) {
    const LazyStruct* current = readers_[reader].current();
    if (current != nullptr) queue_.push({current->client, current->clock, order, reader});
  }

  void write_and_set(const LazyStruct& next) {
    writer_.write(write_, 0);
    write_ = next;
  }

  // One round of Yjs' loop, with the reader that is first in order.
  void take(LazyReader<Source>& reader) {
    const std::uint64_t client = reader.current()->client;
    if (!writing_) {
      write_ = *reader.current();
      writing_ = true;
      reader.next();
    } else if (!take_more(reader, client)) {
      return;
    }
    for (const LazyStruct* next = reader.current();
         next != nullptr && next->client == client && next->clock == write_.end() &&
         next->kind != Kind::Skip;
         next = reader.current()) {
      write_and_set(*next);
      reader.next();
    }
  }

  bool take_more(LazyReader<Source>& reader, std::uint64_t client) {
    bool moved = false;
    while (reader.current() != nullptr && reader.current()->end() <= write_.end() &&
           reader.current()->client >= write_.client) {
      reader.next();
      moved = true;
    }
    const LazyStruct* current = reader.current();
    if (current == nullptr || current->client != client || (moved && current->clock > write_.end()))
      return false;
    if (client != write_.client) {
      write_and_set(*current);
      reader.next();
      return true;
    }
    if (write_.end() < current->clock) {
      if (write_.kind == Kind::Skip) {
        write_.length = current->end() - write_.clock;
      } else {
        LazyStruct skip;
        skip.client = client;
        skip.clock = write_.end();
        skip.length = current->clock - write_.end();
        skip.kind = Kind::Skip;
        write_and_set(skip);
      }
      return true;
    }
    const std::uint64_t overlap = write_.end() - current->clock;
    LazyStruct tail = *current;
    if (overlap > 0) {
      if (write_.kind == Kind::Skip) {
        write_.length -= overlap;
      } else {
        tail.drop_front(overlap, owned_);
      }
    }
    if (write_.kind == tail.kind && (tail.kind == Kind::Gc || tail.kind == Kind::Skip)) {
      write_.length += tail.length;
    } else {
      write_and_set(tail);
      reader.next();
    }
    return true;
  }

  std::deque<Arena> owned_;
  std::vector<LazyReader<Source>> readers_;
  std::priority_queue<Entry> queue_;
  std::int64_t moved_ = 0;
  LazyWriter<Sink> writer_;
  bool writing_ = false;
  LazyStruct write_;
};

template <class Source, class Sink>
Result<Buffer> merge(std::span<const Bytes> updates) {
  if (updates.size() != 1) return Merge<Source, Sink>(updates).run();
  std::deque<Arena> owned;
  LazyReader<Source> reader(updates[0], false, owned);
  std::vector<WireDelete> deletes;
  reader.read_deletes(deletes);
  DX_TRY_OK(reader.status());
  return to_buffer(updates[0]);
}

template <class Source, class Sink>
Result<Buffer> diff(Bytes update, Bytes state_vector) {
  DX_TRY(const ClockMap known, decode_state_vector(state_vector));
  std::deque<Arena> owned;
  LazyReader<Source> reader(update, false, owned);
  LazyWriter<Sink> writer;
  while (const LazyStruct* current = reader.current()) {
    const std::uint64_t client = current->client;
    const auto found = known.find(client);
    const Clock clock = found == known.end() ? 0 : found->second;
    if (current->kind == Kind::Skip) {  // What is written must not begin with one.
      reader.next();
    } else if (current->end() > clock) {
      writer.write(*current, clock > current->clock ? clock - current->clock : 0);
      reader.next();
      for (current = reader.current(); current != nullptr && current->client == client;
           current = reader.current()) {
        writer.write(*current, 0);
        reader.next();
      }
    } else {
      while (reader.current() != nullptr && reader.current()->client == client &&
             reader.current()->end() <= clock) {
        reader.next();
      }
    }
  }
  std::vector<WireDelete> deletes;
  reader.read_deletes(deletes);
  DX_TRY_OK(reader.status());
  return writer.finish(std::move(deletes));
}

template <class Source, class Sink>
Result<Buffer> convert(Bytes update) {
  std::deque<Arena> owned;
  LazyReader<Source> reader(update, false, owned);
  LazyWriter<Sink> writer;
  for (; reader.current() != nullptr; reader.next()) writer.write(*reader.current(), 0);
  std::vector<WireDelete> deletes;
  reader.read_deletes(deletes);
  DX_TRY_OK(reader.status());
  return writer.finish(std::move(deletes));
}

template <class Source>
Result<Buffer> state_vector_of(Bytes update) {
  std::deque<Arena> owned;
  LazyReader<Source> reader(update, false, owned);
  WireWriter body;
  std::uint64_t size = 0;
  const auto put = [&](std::uint64_t client, Clock clock) {
    if (clock == 0) return;
    ++size;
    body.reserve(2 * WireWriter::kMaxVar);
    body.var_uint(client);
    body.var_uint(clock);
  };
  // Per client: how far the structs reach from clock 0 without a gap.
  bool any = false;
  bool counting = false;
  std::uint64_t client = 0;
  Clock clock = 0;
  for (; reader.current() != nullptr; reader.next()) {
    const LazyStruct& current = *reader.current();
    if (!any || current.client != client) {
      if (any) put(client, clock);
      any = true;
      client = current.client;
      clock = 0;
      counting = current.clock == 0;
    }
    if (current.kind == Kind::Skip) counting = false;
    if (counting) clock = current.end();
  }
  if (any) put(client, clock);
  std::vector<WireDelete> deletes;
  reader.read_deletes(deletes);
  DX_TRY_OK(reader.status());
  WireWriter out;
  out.reserve(body.size() + WireWriter::kMaxVar);
  out.var_uint(size);
  out.bytes(body.written());
  return std::move(out).take();
}

template <class Source>
Result<UpdateMeta> meta_of(Bytes update) {
  std::deque<Arena> owned;
  LazyReader<Source> reader(update, false, owned);
  UpdateMeta meta;
  const LazyStruct* last = nullptr;
  std::uint64_t client = 0;
  Clock clock = 0;
  for (; reader.current() != nullptr; reader.next()) {
    const LazyStruct* current = reader.current();
    if (last == nullptr || current->client != client) {
      if (last != nullptr) meta.to[client] = clock;
      meta.from[current->client] = current->clock;
      client = current->client;
    }
    last = current;
    clock = current->end();
  }
  if (last != nullptr) meta.to[client] = clock;
  std::vector<WireDelete> deletes;
  reader.read_deletes(deletes);
  DX_TRY_OK(reader.status());
  return meta;
}

}  // namespace

Result<Buffer> merge_updates_v1(std::span<const Bytes> updates) {
  if (updates.size() > kSortedLikeV8) {
    if (std::optional<Buffer> merged = merge_log(updates)) return std::move(*merged);
  }
  return merge<V1Source, V1Sink>(updates);
}
Result<Buffer> merge_updates_v2(std::span<const Bytes> updates) {
  return merge<V2Source, V2Sink>(updates);
}
Result<Buffer> diff_update_v1(Bytes update, Bytes state_vector) {
  return diff<V1Source, V1Sink>(update, state_vector);
}
Result<Buffer> diff_update_v2(Bytes update, Bytes state_vector) {
  return diff<V2Source, V2Sink>(update, state_vector);
}
Result<Buffer> convert_v1_to_v2(Bytes update) {
  return convert<V1Source, V2Sink>(update);
}
Result<Buffer> convert_v2_to_v1(Bytes update) {
  return convert<V2Source, V1Sink>(update);
}
Result<Buffer> state_vector_from_update_v1(Bytes update) {
  return state_vector_of<V1Source>(update);
}
Result<Buffer> state_vector_from_update_v2(Bytes update) {
  return state_vector_of<V2Source>(update);
}
Result<UpdateMeta> update_meta_v1(Bytes update) {
  return meta_of<V1Source>(update);
}
Result<UpdateMeta> update_meta_v2(Bytes update) {
  return meta_of<V2Source>(update);
}

Result<ClockMap> decode_state_vector(Bytes state_vector) {
  WireReader in(state_vector);
  const std::uint64_t count = in.var_uint();
  if (count > in.remaining()) in.fail("more clients than octets");
  ClockMap clocks;
  for (std::uint64_t i = 0; i < count && !in.failed(); ++i) {
    const std::uint64_t client = in.var_uint();
    const Clock clock = in.var_uint();
    if (!in.failed()) clocks[client] = clock;
  }
  if (!in.failed() && in.remaining() != 0) in.fail("goes on after its end");
  if (in.failed()) {
    return Error{ErrorCode::Malformed,
                 fmt::format("state vector: {} (octet {})", in.why(), in.failed_at())};
  }
  return clocks;
}

Buffer encode_state_vector(const ClockMap& clocks) {
  WireWriter out;
  out.reserve((clocks.size() * 2 + 1) * WireWriter::kMaxVar);
  out.var_uint(clocks.size());
  for (auto at = clocks.rbegin(); at != clocks.rend(); ++at) {
    out.var_uint(at->first);
    out.var_uint(at->second);
  }
  return std::move(out).take();
}

}  // namespace diaryx::crdt
