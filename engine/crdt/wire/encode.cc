#include "engine/crdt/wire/encode.h"

#include <algorithm>

namespace diaryx::crdt {
namespace {

constexpr std::size_t kAhead = 6;
inline void prefetch(const void* address) noexcept {
  __builtin_prefetch(address);
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

// The structs of one client from a clock on, with their count and whose they are.
template <class Sink>
void write_client_structs(const State& state, Sink& sink, const Client& client, Clock from) {
  const ClockList& structs = client.structs;
  const ClockList::Place place = structs.find(from);
  sink.reserve();
  sink.rest().var_uint(structs.count_from(place));
  sink.client(client.id);
  sink.rest().var_uint(from);
  const Item& first = state.items[structs[place].item];
  write_struct(state, sink, first, from - first.clock);
  for (std::size_t block = place.block, at = place.at + 1; block < structs.block_count();
       ++block, at = 0) {
    const std::span<const ItemIx> items = structs.items_of(block);
    for (; at < items.size(); ++at) {
      // Items lie about in memory; what comes soon can be on its way.
      if (at + kAhead < items.size()) prefetch(&state.items[items[at + kAhead]]);
      write_struct(state, sink, state.items[items[at]], 0);
    }
  }
}

}  // namespace

// What nearly all structs of a text are, in one go: a whole run of characters, or what is left of
// one. False if this is none.
static bool write_run(const State& state, WireWriter& out, const Item& item) {
  const bool text = item.kind == Kind::String && !item.has(Item::kHasSurrogates);
  const bool neighbours = !item.origin().none() || !item.right_origin().none();
  if ((!text && item.kind != Kind::Deleted) || !neighbours || item.has(Item::kParentIsId))
    return false;
  constexpr std::size_t kHeader = 1 + 5 * WireWriter::kMaxVar;
  out.reserve(kHeader + item.content_size);
  std::uint8_t* at = out.cursor();
  std::uint8_t* const info = at++;
  unsigned bits =
      static_cast<unsigned>(item.kind) | (item.parent_sub == kNone ? 0U : kHasParentSub);
  if (const Id origin = item.origin(); !origin.none()) {
    bits |= kHasOrigin;
    at = put_client(at, state.store[origin.client]);
    at = put_var_uint(at, origin.clock);
  }
  if (const Id right = item.right_origin(); !right.none()) {
    bits |= kHasRightOrigin;
    at = put_client(at, state.store[right.client]);
    at = put_var_uint(at, right.clock);
  }
  *info = static_cast<std::uint8_t>(bits);
  at = put_var_uint(at, text ? item.content_size : item.length);
  if (text) {
    copy_octets(at, state.arena.data() + item.content, item.content_size);
    at += item.content_size;
  }
  out.advance_to(at);
  return true;
}

template <class Sink>
void write_struct(const State& state, Sink& sink, const Item& item, std::uint64_t offset) {
  if constexpr (!Sink::kIsV2) {
    if (offset == 0 && write_run(state, sink.rest(), item)) return;
  }
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

template <class Sink>
void write_structs_since(const State& state, Sink& sink, const std::vector<Clock>& known) {
  const auto from = [&](ClientIx ix) { return ix < known.size() ? known[ix] : 0; };
  const std::vector<ClientIx>& clients = state.store.by_id_descending();
  const auto count = std::count_if(clients.begin(), clients.end(),
                                   [&](ClientIx ix) { return state.store[ix].state > from(ix); });
  sink.reserve();
  sink.rest().var_uint(static_cast<std::uint64_t>(count));
  for (const ClientIx ix : clients) {
    if (state.store[ix].state > from(ix))
      write_client_structs(state, sink, state.store[ix], from(ix));
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
  std::vector<DeleteRange> ranges;
  for (const ClientIx ix : state.store.by_id_descending()) {
    const ClockList& structs = state.store[ix].structs;
    bool open = false;  // The last range ends where the next struct begins.
    for (std::size_t block = 0; block < structs.block_count(); ++block) {
      const std::span<const ItemIx> items = structs.items_of(block);
      for (std::size_t at = 0; at < items.size(); ++at) {
        if (at + kAhead < items.size()) prefetch(&state.items[items[at + kAhead]]);
        const Item& item = state.items[items[at]];
        if (!item.deleted()) {
          open = false;
        } else if (open) {
          ranges.back().length += item.length;
        } else {
          ranges.push_back({ix, item.clock, item.length});
          open = true;
        }
      }
    }
  }
  write_deletes(state, sink, ranges);
}

template <class Sink>
void encode_transaction(const State& state, Sink& sink) {
  const Transaction& transaction = state.transaction;
  sink.reserve();
  sink.rest().var_uint(transaction.touched.size());
  if (transaction.touched.size() == 1) {
    const Client& client = state.store[transaction.touched[0]];
    write_client_structs(state, sink, client, client.before);
  } else {
    std::vector<ClientIx> touched = transaction.touched;
    std::sort(touched.begin(), touched.end(),
              [&](ClientIx a, ClientIx b) { return state.store[a].id > state.store[b].id; });
    for (const ClientIx ix : touched) {
      write_client_structs(state, sink, state.store[ix], state.store[ix].before);
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
