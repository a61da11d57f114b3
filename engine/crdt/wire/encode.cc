#include "engine/crdt/wire/encode.h"

#include <algorithm>

namespace diaryx::crdt {
namespace {

// Items lie about in memory; what comes soon can be on its way.
inline void prefetch_after(const State& state, std::span<const ItemIx> items, std::size_t at) {
  constexpr std::size_t kAhead = 6;
  if (at + kAhead < items.size()) __builtin_prefetch(&state.items[items[at + kAhead]]);
}

constexpr std::uint8_t kHasOrigin = 0x80;
constexpr std::uint8_t kHasRightOrigin = 0x40;
constexpr std::uint8_t kHasParentSub = 0x20;

void write_octets(WireWriter& out, Bytes octets) {
  out.reserve(octets.size() + WireWriter::kMaxVar);
  out.var_uint(octets.size());
  out.bytes(octets);
}

template <class Sink>
void write_parent(const State& state, Sink& sink, const Item& item) {
  if (item.has(Item::kParentIsId)) {
    sink.parent_info(false);
    sink.left_id(state.store[item.origin_client()].id, item.origin_clock());
  } else if (const Branch& parent = state.branches[item.parent]; parent.is_root()) {
    sink.parent_info(true);
    sink.text(state.keys[parent.name], Item::kHasSurrogates);
  } else {
    sink.parent_info(false);
    sink.left_id(state.store[parent.owner.client].id, parent.owner.clock);
  }
  if (item.parent_sub != kNone) sink.text(state.keys[item.parent_sub], Item::kHasSurrogates);
}

// JSON in v1, an any-value in v2.
template <class Sink>
void write_json_value(const State& state, Sink& sink, ValueIx ix) {
  const JsonValue& value = state.values[ix];
  const Bytes json = state.arena.octets(value.json, value.json_size);
  if constexpr (!Sink::kIsV2) {
    write_octets(sink.rest(), json);
  } else {
    Arena converted;
    Bytes any = state.arena.octets(value.any, value.any_size);
    if (any.empty()) {
      append_any(converted, json_to_any(as_text(json)));
      any = converted.octets();
    }
    sink.rest().reserve(any.size());
    sink.rest().bytes(any);
  }
}

template <class Sink>
void write_string(Sink& sink, std::string_view text, std::uint8_t flags, std::uint64_t offset) {
  if (offset == 0) return sink.text(text, flags);
  std::string scratch;
  const std::string_view tail = text_from(text, flags, offset, scratch);
  sink.text(tail, flags);
}

// `count` JSON texts, each with its length in front.
template <class Sink>
void write_json_texts(Sink& sink, Bytes texts, std::uint64_t count) {
  WireReader in(texts);
  for (std::uint64_t i = 0; i < count; ++i)
    sink.text(as_text(in.var_bytes()), Item::kHasSurrogates);
}

template <class Sink>
void write_content(const State& state, Sink& sink, const Item& item, std::uint64_t offset) {
  const auto octets = [&] { return content_bytes(state.arena, item); };
  switch (item.kind) {
    case Kind::Deleted:
      return sink.length(item.length - offset);
    case Kind::String:
      return write_string(sink, as_text(octets()), item.flags, offset);
    case Kind::Any: {
      const Bytes values = octets().subspan(offset == 0 ? 0 : any_prefix(octets(), offset));
      sink.length(item.length - offset);
      sink.rest().reserve(values.size());
      return sink.rest().bytes(values);
    }
    case Kind::Json: {
      const Bytes values = octets().subspan(offset == 0 ? 0 : json_prefix(octets(), offset));
      sink.length(item.length - offset);
      return write_json_texts(sink, values, item.length - offset);
    }
    case Kind::Binary:
      return write_octets(sink.rest(), octets());
    case Kind::Embed:
      return write_json_value(state, sink, item.content);
    case Kind::Doc: {
      WireReader in(octets());
      sink.text(as_text(in.var_bytes()), Item::kHasSurrogates);
      const Bytes options = octets().subspan(in.position());
      sink.rest().reserve(options.size());
      return sink.rest().bytes(options);
    }
    case Kind::Format:
      sink.key(state.keys[item.content]);
      return write_json_value(state, sink, item.content_size);
    case Kind::Type: {
      const Branch& branch = state.branches[item.content];
      const TypeKind kind = branch.kind.value_or(TypeKind::Array);
      sink.type_ref(static_cast<std::uint64_t>(kind));
      if (kind == TypeKind::XmlElement || kind == TypeKind::XmlHook)
        sink.key(state.keys[branch.name]);
      return;
    }
    case Kind::Gc:
    case Kind::Skip:
      return;
  }
}

}  // namespace

namespace {

// What nearly all structs of a text are, in one go: whole runs of characters, or what is left of
// them.
class RunWriter {
 public:
  RunWriter(const State& state, WireWriter& out, ClientIx own)
      : state_(state),
        out_(out),
        own_(own),
        own_word_(state.store[own].wire_word()),
        own_size_(state.store[own].wire_size) {}

  // False if the struct is none.
  bool write(const Item& item) {
    const bool text = item.kind == Kind::String && !item.has(Item::kHasSurrogates);
    const Id origin = item.origin();
    const Id right = item.right_origin();
    const bool neighbours = !origin.none() || !right.none();
    if ((!text && item.kind != Kind::Deleted) || !neighbours || item.has(Item::kParentIsId))
      return false;
    constexpr std::size_t kHeader = 1 + 5 * WireWriter::kMaxVar;
    out_.reserve(kHeader + item.content_size);
    std::uint8_t* at = out_.cursor();
    std::uint8_t* const info = at++;
    unsigned bits =
        static_cast<unsigned>(item.kind) | (item.parent_sub == kNone ? 0U : kHasParentSub);
    if (!origin.none()) {
      bits |= kHasOrigin;
      at = put_id(at, origin);
    }
    if (!right.none()) {
      bits |= kHasRightOrigin;
      at = put_id(at, right);
    }
    *info = static_cast<std::uint8_t>(bits);
    at = put_var_uint(at, text ? item.content_size : item.length);
    if (text) {
      copy_octets(at, state_.arena.data() + item.content, item.content_size);
      at += item.content_size;
    }
    out_.advance_to(at);
    return true;
  }

 private:
  // Most neighbours were made by the same client.
  std::uint8_t* put_id(std::uint8_t* at, Id id) const noexcept {
    if (id.client == own_) {
      std::memcpy(at, &own_word_, sizeof own_word_);
      at += own_size_;
    } else {
      at = put_client(at, state_.store[id.client]);
    }
    return put_var_uint(at, id.clock);
  }

  const State& state_;
  WireWriter& out_;
  ClientIx own_;
  std::uint64_t own_word_;
  std::size_t own_size_;
};

}  // namespace

template <class Sink>
void write_struct(const State& state, Sink& sink, const Item& item, std::uint64_t offset) {
  sink.reserve();
  if (item.is_gc() || item.kind == Kind::Skip) {
    sink.info(static_cast<std::uint8_t>(item.kind));
    if (item.is_gc()) return sink.length(item.length - offset);
    return sink.rest().var_uint(item.length - offset);
  }
  const bool parent_is_id = item.has(Item::kParentIsId);
  const Id origin = offset > 0     ? Id{item.client, item.clock + offset - 1}
                    : parent_is_id ? Id{}
                                   : item.origin();
  const Id right_origin = item.right_origin();
  sink.info(static_cast<std::uint8_t>(static_cast<unsigned>(item.kind) |
                                      (origin.none() ? 0U : kHasOrigin) |
                                      (right_origin.none() ? 0U : kHasRightOrigin) |
                                      (item.parent_sub == kNone ? 0U : kHasParentSub)));
  if (!origin.none()) sink.left_id(state.store[origin.client].id, origin.clock);
  if (!right_origin.none()) sink.right_id(state.store[right_origin.client].id, right_origin.clock);
  if (origin.none() && right_origin.none()) write_parent(state, sink, item);
  write_content(state, sink, item, offset);
}

// The structs of one client from a clock on, with their count and whose they are.
template <class Sink>
void write_client_structs(const State& state, Sink& sink, ClientIx ix, Clock from) {
  const Client& client = state.store[ix];
  const ClockList& structs = client.structs;
  const ClockList::Place place = structs.find(from);
  sink.reserve();
  sink.rest().var_uint(structs.count_from(place));
  sink.client(client.id);
  sink.rest().var_uint(from);
  const Item& first = state.items[structs[place].item];
  const bool cut = from != first.clock;
  if (cut) write_struct(state, sink, first, from - first.clock);
  [[maybe_unused]] RunWriter runs(state, sink.rest(), ix);
  for (std::size_t block = place.block, at = place.at + (cut ? 1 : 0);
       block < structs.block_count(); ++block, at = 0) {
    const std::span<const ItemIx> items = structs.items_of(block);
    for (; at < items.size(); ++at) {
      prefetch_after(state, items, at);
      const Item& item = state.items[items[at]];
      if constexpr (!Sink::kIsV2) {
        if (runs.write(item)) continue;
      }
      write_struct(state, sink, item, 0);
    }
  }
}

template <class Sink>
void write_structs_since(const State& state, Sink& sink, const std::vector<Clock>& known) {
  const auto from = [&](ClientIx ix) { return ix < known.size() ? known[ix] : 0; };
  const std::vector<ClientIx>& clients = state.store.by_id_descending();
  const auto count = std::count_if(clients.begin(), clients.end(),
                                   [&](ClientIx ix) { return state.store[ix].state > from(ix); });
  sink.reserve();
  sink.rest().var_uint(static_cast<std::uint64_t>(count));
  for (const ClientIx ix : clients) {
    if (state.store[ix].state > from(ix)) write_client_structs(state, sink, ix, from(ix));
  }
}

template <class Sink>
void write_deletes(const State& state, Sink& sink, std::span<const DeleteRange> ranges) {
  WireWriter& out = sink.rest();
  std::size_t clients = 0;
  for (std::size_t i = 0; i < ranges.size(); ++i)
    clients += i == 0 || ranges[i].client != ranges[i - 1].client;
  out.reserve((ranges.size() * 2 + clients * 2 + 1) * WireWriter::kMaxVar);
  out.var_uint(clients);
  for (std::size_t i = 0; i < ranges.size();) {
    std::size_t end = i;
    while (end < ranges.size() && ranges[end].client == ranges[i].client) ++end;
    sink.begin_deletes();
    out.var_uint(state.store[ranges[i].client].id);
    out.var_uint(end - i);
    for (; i < end; ++i) sink.delete_range(ranges[i].clock, ranges[i].length);
  }
}

template <class Sink>
void write_document_deletes(const State& state, Sink& sink) {
  // Where what is there and what is deleted meet, in turns; and where a client's begin.
  std::vector<Clock> borders;
  struct Part {
    ClientIx client;
    std::size_t begin;
  };
  std::vector<Part> parts;
  std::size_t count = 0;
  for (const ClientIx ix : state.store.by_id_descending()) {
    const ClockList& structs = state.store[ix].structs;
    const std::size_t begin = count;
    bool open = false;
    for (std::size_t block = 0; block < structs.block_count(); ++block) {
      const std::span<const ItemIx> items = structs.items_of(block);
      // Room for one each, and the end.
      if (borders.size() - count < items.size() + 1)
        borders.resize(std::max(count + items.size() + 1, 2 * borders.size()));
      Clock* const to = borders.data();
      for (std::size_t at = 0; at < items.size(); ++at) {
        prefetch_after(state, items, at);
        const Item& item = state.items[items[at]];
        // Nobody can guess where the next border is, so each may be one.
        to[count] = item.clock;
        count += static_cast<std::size_t>(item.deleted() != open);
        open = item.deleted();
      }
    }
    if (open) borders[count++] = state.store[ix].state;
    if (count > begin) parts.push_back({ix, begin});
  }
  WireWriter& out = sink.rest();
  out.reserve((count + parts.size() * 2 + 1) * WireWriter::kMaxVar);
  out.var_uint(parts.size());
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const std::size_t end = i + 1 < parts.size() ? parts[i + 1].begin : count;
    sink.begin_deletes();
    out.var_uint(state.store[parts[i].client].id);
    out.var_uint((end - parts[i].begin) / 2);
    for (std::size_t at = parts[i].begin; at < end; at += 2)
      sink.delete_range(borders[at], borders[at + 1] - borders[at]);
  }
}

template <class Sink>
void encode_transaction(const State& state, Sink& sink) {
  const Transaction& transaction = state.transaction;
  sink.reserve();
  sink.rest().var_uint(transaction.touched.size());
  if (transaction.touched.size() == 1) {
    const ClientIx ix = transaction.touched[0];
    write_client_structs(state, sink, ix, state.store[ix].before);
  } else {
    std::vector<ClientIx> touched = transaction.touched;
    std::sort(touched.begin(), touched.end(),
              [&](ClientIx a, ClientIx b) { return state.store[a].id > state.store[b].id; });
    for (const ClientIx ix : touched) {
      write_client_structs(state, sink, ix, state.store[ix].before);
    }
  }
  write_deletes(state, sink, transaction.deletes);
}

template void write_struct(const State&, V1Sink&, const Item&, std::uint64_t);
template void write_structs_since(const State&, V1Sink&, const std::vector<Clock>&);
template void write_document_deletes(const State&, V1Sink&);
template void write_deletes(const State&, V1Sink&, std::span<const DeleteRange>);
template void encode_transaction(const State&, V1Sink&);
template void write_struct(const State&, V2Sink&, const Item&, std::uint64_t);
template void write_structs_since(const State&, V2Sink&, const std::vector<Clock>&);
template void write_document_deletes(const State&, V2Sink&);
template void write_deletes(const State&, V2Sink&, std::span<const DeleteRange>);
template void encode_transaction(const State&, V2Sink&);

}  // namespace diaryx::crdt
