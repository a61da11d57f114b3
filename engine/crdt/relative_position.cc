#include "engine/crdt/relative_position.h"

#include <cmath>

#include <fmt/format.h>

#include "engine/codec/reader.h"
#include "engine/codec/writer.h"
#include "engine/codec/wtf8.h"
#include "engine/crdt/edit/position.h"
#include "engine/crdt/state.h"

namespace diaryx::crdt {
namespace {

enum class Tag : std::uint8_t { Item = 0, Root = 1, Type = 2 };

UnitId name_of(const State& state, Id id) {
  return {state.store[id.client].id, id.clock};
}

// The unit that the place is at, if there is one.
std::optional<Id> unit_at(State& state, BranchIx branch_ix, std::uint64_t index, bool behind) {
  const Branch& branch = state.branches[branch_ix];
  if (behind && index == 0) return std::nullopt;
  const std::uint64_t units = behind ? index : index + 1;  // Up to and with the one wanted.
  if (units <= branch.length) {
    const ListPosition place = find_position(state, branch_ix, units);
    const Item& item = state.items[place.item];
    return Id{item.client, item.clock + place.offset - 1};
  }
  if (!behind || branch.end == kNone) return std::nullopt;
  return state.items[branch.end].last_id();
}

// A struct, and how many of its units lie before the one that was asked for.
struct Found {
  ItemIx item;
  std::uint64_t offset;
};

// The struct that holds a unit, or what an UndoManager made of that anew; nothing if we have not
// heard of it yet.
std::optional<Found> find_unit(const State& state, UnitId unit, bool follow_undone) {
  const ClientIx client = state.store.find(unit.client);
  if (client == kNone || unit.clock >= state.store[client].state) return std::nullopt;
  for (Id id{client, unit.clock};;) {
    const ItemIx ix = state.store.item_at(id);
    const Item& item = state.items[ix];
    const std::uint64_t offset = id.clock - item.clock;
    if (!follow_undone || !item.has(Item::kRedone)) return Found{ix, offset};
    id = state.redone.find(item);
    id.clock += offset;
  }
}

std::optional<AbsolutePosition> resolve_unit(Doc& doc, UnitId unit, std::int64_t assoc,
                                             bool follow_undone) {
  const State& state = doc.state();
  const std::optional<Found> found = find_unit(state, unit, follow_undone);
  if (!found) return std::nullopt;
  const Item& item = state.items[found->item];
  if (item.is_gc()) return std::nullopt;
  AbsolutePosition position{{&doc, item.parent}, 0, assoc};
  // What lies left of a map's value is deleted, so it adds nothing; and so is all in a deleted
  // type.
  if (item.parent_sub == kNone) position.index = index_of(state, found->item);
  if (item.visible()) position.index += found->offset + (assoc >= 0 ? 0 : 1);
  return position;
}

// The branch that a position without a unit is about.
BranchIx branch_of(State& state, const RelativePosition& position, bool follow_undone) {
  if (position.root) return state.root_of(state.keys.intern(*position.root));
  if (!position.type) return kNone;
  const std::optional<Found> found = find_unit(state, *position.type, follow_undone);
  if (!found) return kNone;
  const Item& item = state.items[found->item];
  return item.kind == Kind::Type ? item.content : kNone;
}

Error no_integer(std::string_view what) {
  return {ErrorCode::InvalidArgument,
          fmt::format("relative position: {} is no integer of at most 53 bits", what)};
}

Result<double> integer(const codec::Any* value, std::string_view what) {
  const double* number = value == nullptr ? nullptr : value->get<double>();
  if (number == nullptr || std::trunc(*number) != *number ||
      std::fabs(*number) > static_cast<double>(codec::kMaxSafeInteger)) {
    return no_integer(what);
  }
  return *number;
}

Result<std::uint64_t> clock(const codec::Any& id, std::string_view member, std::string_view what) {
  DX_TRY(const double number, integer(id.find(member), fmt::format("{}.{}", what, member)));
  if (number < 0) return no_integer(fmt::format("{}.{}", what, member));
  return static_cast<std::uint64_t>(number);
}

// A member that is there and is neither null nor undefined.
const codec::Any* member(const codec::Any& json, std::string_view name) {
  const codec::Any* value = json.find(name);
  const bool nothing = value == nullptr || value->is_null() || value->is_undefined();
  return nothing ? nullptr : value;
}

Result<std::optional<UnitId>> id_from_json(const codec::Any& json, std::string_view name) {
  const codec::Any* id = member(json, name);
  if (id == nullptr) return std::optional<UnitId>();
  DX_TRY(const std::uint64_t client_id, clock(*id, "client", name));
  DX_TRY(const std::uint64_t unit_clock, clock(*id, "clock", name));
  return std::optional<UnitId>({client_id, unit_clock});
}

codec::Any id_to_json(UnitId id) {
  return codec::AnyObject{{"client", static_cast<double>(id.client)},
                          {"clock", static_cast<double>(id.clock)}};
}

Result<UnitId> read_id(codec::Reader& in) {
  DX_TRY(const std::uint64_t client, in.var_uint());
  DX_TRY(const std::uint64_t unit_clock, in.var_uint());
  return UnitId{client, unit_clock};
}

Result<RelativePosition> read_position(codec::Reader& in) {
  RelativePosition position;
  DX_TRY(const std::uint64_t tag, in.var_uint());
  if (tag == static_cast<std::uint64_t>(Tag::Item)) {
    DX_TRY(position.item, read_id(in));
  } else if (tag == static_cast<std::uint64_t>(Tag::Root)) {
    DX_TRY(const std::string_view name, in.var_string());
    position.root = std::string(name);
  } else if (tag == static_cast<std::uint64_t>(Tag::Type)) {
    DX_TRY(position.type, read_id(in));
  } else {
    return Error{ErrorCode::Malformed, fmt::format("unknown kind {}", tag)};
  }
  if (in.at_end()) return position;
  DX_TRY(const codec::Reader::VarInt assoc, in.var_int());
  const auto magnitude = static_cast<std::int64_t>(assoc.magnitude);
  position.assoc = assoc.negative ? -magnitude : magnitude;
  if (!in.at_end()) {
    return Error{ErrorCode::Malformed, fmt::format("{} octets too many", in.remaining())};
  }
  return position;
}

}  // namespace

RelativePosition create_relative_position(TypeRef type, std::uint64_t index, std::int64_t assoc) {
  State& state = type.doc->state();
  RelativePosition position;
  position.assoc = assoc;
  const Branch& branch = state.branches[type.branch];
  if (branch.is_root()) {
    position.root = std::string(state.keys[branch.name]);
  } else {
    position.type = name_of(state, branch.owner);
  }
  if (const auto unit = unit_at(state, type.branch, index, assoc < 0)) {
    position.item = name_of(state, *unit);
  }
  return position;
}

std::optional<AbsolutePosition> resolve_relative_position(Doc& doc,
                                                          const RelativePosition& position,
                                                          bool follow_undone_deletions) {
  if (position.item)
    return resolve_unit(doc, *position.item, position.assoc, follow_undone_deletions);
  State& state = doc.state();
  const BranchIx branch = branch_of(state, position, follow_undone_deletions);
  if (branch == kNone) return std::nullopt;
  const std::uint64_t index = position.assoc >= 0 ? state.branches[branch].length : 0;
  return AbsolutePosition{{&doc, branch}, index, position.assoc};
}

Buffer encode_relative_position(const RelativePosition& position) {
  Buffer out;
  codec::Writer writer(out);
  const auto write = [&](Tag tag, UnitId id) {
    writer.var_uint(static_cast<std::uint64_t>(tag));
    writer.var_uint(id.client);
    writer.var_uint(id.clock);
  };
  if (position.item) {
    write(Tag::Item, *position.item);
  } else if (position.root) {
    writer.var_uint(static_cast<std::uint64_t>(Tag::Root));
    writer.var_string(codec::replace_lone_surrogates(*position.root));
  } else {
    DX_CHECK(position.type.has_value());
    write(Tag::Type, *position.type);
  }
  const bool negative = position.assoc < 0;
  writer.var_int(static_cast<std::uint64_t>(negative ? -position.assoc : position.assoc), negative);
  return out;
}

Result<RelativePosition> decode_relative_position(Bytes bytes) {
  codec::Reader in(bytes);
  auto position = read_position(in);
  if (!position) return std::move(position).error().with("relative position");
  return position;
}

codec::Any relative_position_to_json(const RelativePosition& position) {
  codec::AnyObject json;
  if (position.type) json.emplace_back("type", id_to_json(*position.type));
  if (position.root) json.emplace_back("tname", *position.root);
  if (position.item) json.emplace_back("item", id_to_json(*position.item));
  json.emplace_back("assoc", position.assoc);
  return json;
}

Result<RelativePosition> relative_position_from_json(const codec::Any& json) {
  RelativePosition position;
  DX_TRY(position.type, id_from_json(json, "type"));
  DX_TRY(position.item, id_from_json(json, "item"));
  if (const codec::Any* root = member(json, "tname")) {
    const auto* name = root->get<std::string>();
    if (name == nullptr) {
      return Error{ErrorCode::InvalidArgument, "relative position: tname is no string"};
    }
    position.root = *name;
  }
  if (!position.item && !position.root && !position.type) {
    return Error{ErrorCode::InvalidArgument, "relative position: names no item, root or type"};
  }
  if (const codec::Any* assoc = member(json, "assoc")) {
    DX_TRY(const double number, integer(assoc, "assoc"));
    position.assoc = static_cast<std::int64_t>(number);
  }
  return position;
}

}  // namespace diaryx::crdt
