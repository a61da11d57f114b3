#include "engine/crdt/encode_v1.h"

#include <algorithm>

namespace diaryx::crdt {
namespace {

constexpr std::uint8_t kHasOrigin = 0x80;
constexpr std::uint8_t kHasRightOrigin = 0x40;
constexpr std::uint8_t kHasParentSub = 0x20;
// An info octet, two ids, and a length or a type reference, with room to spare.
constexpr std::size_t kHeaderRoom = 8 * WireWriter::kMaxVar;

void write_id(const State& state, WireWriter& out, Id id) noexcept {
  out.var_uint(state.store[id.client].id);
  out.var_uint(id.clock);
}

void write_octets(WireWriter& out, Bytes octets) {
  out.reserve(octets.size() + WireWriter::kMaxVar);
  out.var_uint(octets.size());
  out.bytes(octets);
}

void write_parent(const State& state, WireWriter& out, const Item& item) {
  if (item.has(Item::kParentIsId)) {
    out.var_uint(0);
    write_id(state, out, item.origin());
  } else if (const Branch& parent = state.branches[item.parent]; parent.is_root()) {
    out.var_uint(1);
    out.var_string(state.keys[parent.name]);
  } else {
    out.var_uint(0);
    write_id(state, out, parent.owner);
  }
  if (item.parent_sub != kNone) write_text(out, state.keys[item.parent_sub], Item::kHasSurrogates);
}

void write_content(const State& state, WireWriter& out, const Item& item, std::uint64_t offset) {
  const Bytes octets = content_bytes(state.arena, item);
  switch (item.kind) {
    case Kind::Deleted:
      out.var_uint(item.length - offset);
      return;
    case Kind::String:
      if (offset != 0) return write_text_from(out, as_text(octets), item.flags, offset);
      return write_text(out, as_text(octets), item.flags);
    case Kind::Any:
    case Kind::Json: {
      std::size_t skipped = 0;
      if (offset != 0)
        skipped = item.kind == Kind::Any ? any_prefix(octets, offset) : json_prefix(octets, offset);
      out.var_uint(item.length - offset);
      out.reserve(octets.size());
      return out.bytes(octets.subspan(skipped));
    }
    case Kind::Binary:
    case Kind::Embed:
      return write_octets(out, octets);
    case Kind::Doc:
      out.reserve(octets.size());
      return out.bytes(octets);
    case Kind::Format: {
      out.var_string(state.keys[item.content]);
      const FormatValue& value = state.values[item.content_size];
      return write_octets(out, Bytes(state.arena.data() + value.content, value.content_size));
    }
    case Kind::Type: {
      const Branch& branch = state.branches[item.content];
      const TypeKind kind = branch.kind.value_or(TypeKind::Array);
      out.var_uint(static_cast<std::uint64_t>(kind));
      if (kind == TypeKind::XmlElement || kind == TypeKind::XmlHook)
        out.var_string(state.keys[branch.name]);
      return;
    }
    case Kind::Gc:
    case Kind::Skip:
      return;
  }
}

// How the structs of one client begin: count, client, first clock.
void write_client_structs(const State& state, WireWriter& out, const Client& client, Clock from) {
  const ClockList& structs = client.structs;
  ClockList::Place place = structs.find(from);
  out.reserve(3 * WireWriter::kMaxVar);
  out.var_uint(structs.count_from(place));
  out.var_uint(client.id);
  out.var_uint(from);
  const Item& first = state.items[structs[place].item];
  write_struct(state, out, first, from - first.clock);
  for (std::size_t block = place.block, at = place.at + 1; block < structs.block_count();
       ++block, at = 0) {
    const std::vector<ClockList::Entry>& entries = structs.block(block);
    for (; at < entries.size(); ++at) write_struct(state, out, state.items[entries[at].item], 0);
  }
}

}  // namespace

void write_struct(const State& state, WireWriter& out, const Item& item, std::uint64_t offset) {
  out.reserve(kHeaderRoom);
  if (item.is_gc() || item.kind == Kind::Skip) {
    out.u8(static_cast<std::uint8_t>(item.kind));
    out.var_uint(item.length - offset);
    return;
  }
  const bool parent_is_id = item.has(Item::kParentIsId);
  const Id origin = offset > 0     ? Id{item.client, item.clock + offset - 1}
                    : parent_is_id ? Id{}
                                   : item.origin();
  const Id right_origin = item.right_origin();
  out.u8(static_cast<std::uint8_t>(static_cast<unsigned>(item.kind) |
                                   (origin.none() ? 0U : kHasOrigin) |
                                   (right_origin.none() ? 0U : kHasRightOrigin) |
                                   (item.parent_sub == kNone ? 0U : kHasParentSub)));
  if (!origin.none()) write_id(state, out, origin);
  if (!right_origin.none()) write_id(state, out, right_origin);
  if (origin.none() && right_origin.none()) {
    write_parent(state, out, item);
    out.reserve(kHeaderRoom);
  }
  write_content(state, out, item, offset);
}

void write_structs_since(const State& state, WireWriter& out, const std::vector<Clock>& known) {
  const auto from = [&](ClientIx ix) { return ix < known.size() ? known[ix] : 0; };
  const std::vector<ClientIx>& clients = state.store.by_id_descending();
  const auto count = std::count_if(clients.begin(), clients.end(),
                                   [&](ClientIx ix) { return state.store[ix].state > from(ix); });
  out.reserve(WireWriter::kMaxVar);
  out.var_uint(static_cast<std::uint64_t>(count));
  for (const ClientIx ix : clients) {
    if (state.store[ix].state > from(ix))
      write_client_structs(state, out, state.store[ix], from(ix));
  }
}

void write_deletes(const State& state, WireWriter& out, std::span<const DeleteRange> ranges) {
  std::size_t clients = 0;
  for (std::size_t i = 0; i < ranges.size(); ++i)
    clients += i == 0 || ranges[i].client != ranges[i - 1].client;
  out.reserve((ranges.size() * 2 + clients * 2 + 1) * WireWriter::kMaxVar);
  out.var_uint(clients);
  for (std::size_t i = 0; i < ranges.size();) {
    std::size_t end = i;
    while (end < ranges.size() && ranges[end].client == ranges[i].client) ++end;
    out.var_uint(state.store[ranges[i].client].id);
    out.var_uint(end - i);
    for (; i < end; ++i) {
      out.var_uint(ranges[i].clock);
      out.var_uint(ranges[i].length);
    }
  }
}

void write_document_deletes(const State& state, WireWriter& out) {
  std::vector<DeleteRange> ranges;
  for (const ClientIx ix : state.store.by_id_descending()) {
    const ClockList& structs = state.store[ix].structs;
    bool open = false;  // The last range ends where the next struct begins.
    for (std::size_t block = 0; block < structs.block_count(); ++block) {
      for (const ClockList::Entry& entry : structs.block(block)) {
        const Item& item = state.items[entry.item];
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
  write_deletes(state, out, ranges);
}

void encode_transaction(const State& state, WireWriter& out) {
  const Transaction& transaction = state.transaction;
  out.reserve(WireWriter::kMaxVar);
  out.var_uint(transaction.touched.size());
  if (transaction.touched.size() == 1) {
    const Client& client = state.store[transaction.touched[0]];
    write_client_structs(state, out, client, client.before);
  } else {
    std::vector<ClientIx> touched = transaction.touched;
    std::sort(touched.begin(), touched.end(),
              [&](ClientIx a, ClientIx b) { return state.store[a].id > state.store[b].id; });
    for (const ClientIx ix : touched)
      write_client_structs(state, out, state.store[ix], state.store[ix].before);
  }
  write_deletes(state, out, transaction.deletes);
}

}  // namespace diaryx::crdt
