// Looking at a document as it was at a snapshot.
//
// The document must not have collected what was deleted since (DocOptions::gc off from the start);
// of what it has collected it shows nothing. Looking changes nothing: Yjs cuts its items where a
// snapshot ends and joins them afterwards, which spoils a surrogate pair there for good; here the
// two halves show as U+FFFD in what is returned, and the document keeps its pair.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "engine/crdt/doc.h"
#include "engine/crdt/id.h"
#include "engine/crdt/snapshot.h"

namespace diaryx::crdt {

// Brings all that `origin` had at the snapshot into `into`, a new document with options of the
// caller's choice (Yjs' createDocFromSnapshot). InvalidArgument, and nothing happens, if `origin`
// collects garbage or the snapshot knows more than it. A struct whose neighbours the snapshot does
// not know waits in the new document.
Status restore_snapshot(Doc& origin, const Snapshot& snapshot, Doc& into);

// The value of the attribute "ychange" for the text that begins with `unit`.
using ChangeMark = std::function<codec::Any(bool added, UnitId unit)>;

// The text at `snapshot`, or as it is now if that is null. With `previous`, the text of both: what
// is only in `snapshot` has the attribute "ychange" {"type": "added"}, what is only in `previous`
// {"type": "removed"}; or what `mark` makes of it. As in Yjs, each run of one client's text is then
// an op of its own, unless the mark has a "user" that is the client's id; embeds and types carry
// the mark of the text in front of them. Formats are those of `snapshot`. If that is null, nothing
// is marked as removed.
std::vector<DeltaOp> text_at(Text text, const Snapshot* snapshot,
                             const Snapshot* previous = nullptr, const ChangeMark& mark = nullptr);

// A shared type is shown as a handle: what it holds is to be looked at with the same snapshot. A
// value that was collected since is undefined.
using PastValue = std::variant<codec::Any, TypeRef, SubDocument>;

// Of a map, or the attributes of a text or XML element.
std::optional<PastValue> map_value_at(Map map, std::string_view key, const Snapshot& snapshot);
std::vector<std::pair<std::string, PastValue>> map_at(Map map, const Snapshot& snapshot);
// Of an array, or the children of an XML type. As in Yjs, values that were joined to earlier ones
// of the same client count as old as those: a run of values shows whole or not at all. A restored
// document knows better.
std::vector<PastValue> array_at(Array array, const Snapshot& snapshot);

}  // namespace diaryx::crdt
