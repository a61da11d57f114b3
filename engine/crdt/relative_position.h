// A place in a list that stays where it is meant while others edit: it names a unit (a character,
// an element) instead of an index. Yjs calls it a relative position; cursors of other people come
// so.
//
//   position := (00 id | 01 varstring root | 02 id) [varint assoc]
//   id       := varuint client, varuint clock
//
//   00  at this unit: in front of it (assoc >= 0) or behind it (assoc < 0)
//   01  at the end (assoc >= 0) or the start (assoc < 0) of the root type of that name
//   02  the same of the type that this item holds
//
// Positions from before there were associations end without one, which means 0.
//
// Examples: 00 05 02 00     in front of the unit that client 5 wrote at its clock 2
//           01 01 "t" 41    the start of root "t": assoc -1
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "engine/base/bytes.h"
#include "engine/base/result.h"
#include "engine/crdt/doc.h"
#include "engine/crdt/id.h"

namespace diaryx::crdt {

// At least one of `item`, `root` and `type` is set: `item` if the place is at a unit; then the
// others only say which type that was in, as far as the JSON form knows it. The bytes do not.
struct RelativePosition {
  std::optional<UnitId> type;
  std::optional<std::string> root;
  std::optional<UnitId> item;
  std::int64_t assoc = 0;  // Magnitude at most 2^53 - 1.
  bool operator==(const RelativePosition&) const = default;
};

struct AbsolutePosition {
  TypeRef type;  // May have been deleted since; then the index is 0.
  std::uint64_t index;
  std::int64_t assoc;
};

// The place `index` of a list, in UTF-16 units or elements. Beyond the end it is the end, for
// assoc < 0 behind the last item, be it deleted or not.
RelativePosition create_relative_position(TypeRef type, std::uint64_t index,
                                          std::int64_t assoc = 0);
// Where that is now. Nothing if this replica has not heard of the item or type yet, or has
// collected it. A root that was never seen comes into being without a kind, as in Yjs. What an
// UndoManager of this document brought back is a new item: with `follow_undone_deletions` the place
// is there. Other replicas do not know of that and show the place where the deleted item was.
std::optional<AbsolutePosition> resolve_relative_position(Doc& doc,
                                                          const RelativePosition& position,
                                                          bool follow_undone_deletions = true);

Buffer encode_relative_position(const RelativePosition& position);
// Malformed if the bytes do not follow the format, to the last octet.
Result<RelativePosition> decode_relative_position(Bytes bytes);

// {"type": id, "tname": root, "item": id, "assoc": number} with {"client", "clock"} for an id, what
// is not set left out: Y.relativePositionToJSON.
codec::Any relative_position_to_json(const RelativePosition& position);
// InvalidArgument if nothing is named, or an id or association is no integer up to 2^53 - 1. Null
// members count as left out.
Result<RelativePosition> relative_position_from_json(const codec::Any& json);

}  // namespace diaryx::crdt
