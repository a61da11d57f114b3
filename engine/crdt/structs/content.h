// What is inside an item: how the kinds are measured, cut, joined and brought to the form that Yjs
// would write.
#pragma once

#include <string>
#include <string_view>

#include "engine/codec/any.h"
#include "engine/crdt/structs/arena.h"
#include "engine/crdt/structs/item.h"
#include "engine/crdt/structs/var_uint.h"

namespace diaryx::crdt {

// --- Strings ---

// UTF-8 with lone surrogates as WTF-8, as `flags` of an item would say it.
struct TextShape {
  std::uint64_t units;
  std::uint8_t flags;  // Item::kAscii, Item::kHasSurrogates
};
// `text` must be UTF-8 or WTF-8.
TextShape measure(std::string_view text) noexcept;

// A string as Yjs puts it on the wire: lone surrogates replaced, length in front.
void write_text(WireWriter& out, std::string_view text, std::uint8_t flags);
// The tail from `offset` units on, as JavaScript's slice() makes it: a pair cut in the middle
// leaves its second half. Uses `scratch` for that; sets kHasSurrogates then.
std::string_view text_from(std::string_view text, std::uint8_t& flags, std::uint64_t offset,
                           std::string& scratch);

// --- Any-values and JSON: from whatever some writer chose to the octets that Yjs would write ---

// Skips one any-value. `canonical` becomes false if Yjs would write it otherwise.
void scan_any(WireReader& in, bool& canonical, int depth = 0);
// Reads `count` any-values and appends them to `arena` as Yjs would write them.
void read_anys(WireReader& in, std::uint64_t count, Arena& arena);
// Reads a varstring that is JSON and appends to `arena` what JSON.stringify makes of it, without a
// length. `undefined_too`: "undefined" stands for itself (ContentJSON).
void read_json(WireReader& in, Arena& arena, bool undefined_too = false);
// The same for a text at hand; false if it is not JSON.
bool append_canonical_json(std::string_view text, Arena& arena, bool undefined_too);
// Between the two forms of a value that is JSON in v1 and an any-value in v2; `json` may be
// "undefined".
codec::Any json_to_any(std::string_view json);
// Appends both forms of `value` to `arena`; any_size is 0 if the JSON says as much.
JsonValue store_json_value(Arena& arena, const codec::Any& value);
// The options of a sub-document: what Yjs keeps of them.
void read_doc_options(WireReader& in, Arena& arena);
// Octets taken by the first `count` any-values, or JSON varstrings, of `encoded`. They were checked
// when they came in.
std::size_t any_prefix(Bytes encoded, std::uint64_t count) noexcept;
std::size_t json_prefix(Bytes encoded, std::uint64_t count) noexcept;

void append_any(Arena& arena, const codec::Any& value);

// --- Items ---

inline Bytes content_bytes(const Arena& arena, const Item& item) noexcept {
  return arena.octets(item.content, item.content_size);
}
inline std::string_view content_text(const Arena& arena, const Item& item) noexcept {
  return as_text(content_bytes(arena, item));
}

// Cuts the content of `left` at `offset` (0 < offset < length); `right` gets the tail. Lengths are
// the caller's; that of `left` is still that of both. May rewrite or append octets where a
// surrogate pair is cut: both halves become U+FFFD for good, as in Yjs.
void split_content(Arena& arena, Item& left, Item& right, std::uint64_t offset);
// Puts octets behind the content of `item`, which does not end the arena: into the rest of its
// block, or the content moves to a block with as much room again. So two people who type in turn
// cost no more than one. `octets` may lie in `arena`.
void append_apart(Arena& arena, Item& item, Bytes octets);
inline void append_content(Arena& arena, Item& item, Bytes octets) {
  if (item.content + std::size_t{item.content_size} != arena.size())
    return append_apart(arena, item, octets);
  arena.append(octets);
  item.content_size += static_cast<std::uint32_t>(octets.size());
  item.unset(Item::kRoomy);
}
// Joins the content of `right` to that of `left`: no copy if they lie side by side.
void join_content(Arena& arena, Item& left, const Item& right);

}  // namespace diaryx::crdt
