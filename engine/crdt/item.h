// A struct of the document: an item with content, or the gap (GC) that is left of one.
//
// Items live in one array per document (ItemPool) and name each other by index; an index is valid
// until the item is merged into its left neighbour or collected. References and pointers to items
// die when the pool grows: hold indexes.
//
// Links: a list item hangs between `left` and `right` of its branch. A map item hangs in a chain
// per key, oldest left; the one without a right neighbour is the value. Content is a (offset, size)
// in the document's arena or an index, by kind:
//
//   String   octets of UTF-8 [content, content + content_size); ASCII says that octets are units. A
//   lone surrogate of
//            JavaScript is kept as WTF-8 (ED A0..BF xx, flag HasSurrogates) and written as U+FFFD,
//            as Yjs writes it.
//   Any      `length` any-values, encoded as lib0 encodes them, canonical.
//   Json     `length` JSON texts, each a varstring, as JSON.stringify writes them.
//   Binary   the octets.               Embed  content = ValueIx.
//   Doc      varstring guid, any options; as on the wire.
//   Format   content = KeyIx, content_size = ValueIx.
//   Type     content = BranchIx.       Deleted, GC, Skip  nothing.
#pragma once

#include <algorithm>
#include <vector>

#include "engine/base/bytes.h"
#include "engine/crdt/id.h"

namespace diaryx::crdt {

// The numbers are Yjs' content references on the wire.
enum class Kind : std::uint8_t {
  Gc = 0,
  Deleted = 1,
  Json = 2,
  Binary = 3,
  String = 4,
  Embed = 5,
  Format = 6,
  Type = 7,
  Any = 8,
  Doc = 9,
  Skip = 10,
};

struct Item {
  enum Flag : std::uint8_t {
    kDeleted = 1,
    kAscii = 2,
    kHasSurrogates = 4,
    // While staged: origin holds the id of the parent's item, not an origin.
    kParentIsId = 8,
    kKeep = 16,
  };

  Clock clock = 0;
  std::uint64_t length = 0;  // UTF-16 units or elements.
  Clock origin_clock = 0;
  Clock right_origin_clock = 0;
  ClientIx client = kNone;
  ClientIx origin_client = kNone;
  ClientIx right_origin_client = kNone;
  ItemIx left = kNone;
  ItemIx right = kNone;
  BranchIx parent = kNone;  // None for a GC, and for a staged item that takes its neighbour's.
  KeyIx parent_sub = kNone;
  std::uint32_t leaf = kNone;  // position.h; none if not indexed.
  std::uint32_t content = 0;
  std::uint32_t content_size = 0;
  Kind kind = Kind::Gc;
  std::uint8_t flags = 0;

  Id id() const noexcept { return {client, clock}; }
  Id last_id() const noexcept { return {client, clock + length - 1}; }
  Clock end() const noexcept { return clock + length; }
  Id origin() const noexcept { return {origin_client, origin_clock}; }
  Id right_origin() const noexcept { return {right_origin_client, right_origin_clock}; }
  void set_origin(Id id) noexcept {
    origin_client = id.client;
    origin_clock = id.clock;
  }
  void set_right_origin(Id id) noexcept {
    right_origin_client = id.client;
    right_origin_clock = id.clock;
  }
  bool has(Flag flag) const noexcept { return (flags & flag) != 0; }
  void set(Flag flag) noexcept { flags = static_cast<std::uint8_t>(flags | flag); }
  void unset(Flag flag) noexcept { flags = static_cast<std::uint8_t>(flags & ~flag); }
  bool deleted() const noexcept { return has(kDeleted); }
  bool is_gc() const noexcept { return kind == Kind::Gc; }
  // Counts in the length of its list (if not deleted).
  bool countable() const noexcept {
    return kind != Kind::Format && kind != Kind::Deleted && kind != Kind::Gc;
  }
  bool visible() const noexcept { return !deleted() && countable(); }
  std::uint64_t visible_length() const noexcept { return visible() ? length : 0; }
};

// A value that v1 writes as JSON and v2 as an any-value: that of a format mark or an embed. Both
// texts lie in the arena; the any form only if it says more than the JSON (undefined, NaN, octets,
// …), else its size is 0. Equal ValueIx means the same object to JavaScript.
struct JsonValue {
  std::uint32_t json;
  std::uint32_t json_size;
  std::uint32_t any;
  std::uint32_t any_size;
};

class ItemPool {
 public:
  Item& operator[](ItemIx ix) noexcept { return items_[ix]; }
  const Item& operator[](ItemIx ix) const noexcept { return items_[ix]; }
  std::size_t size() const noexcept { return items_.size(); }

  // A new item; prefers slots that were freed.
  ItemIx make(const Item& item) {
    if (!free_.empty()) {
      const ItemIx ix = free_.back();
      free_.pop_back();
      items_[ix] = item;
      return ix;
    }
    items_.push_back(item);
    return static_cast<ItemIx>(items_.size() - 1);
  }
  // Room for `count` more.
  void reserve(std::size_t count) {
    const std::size_t wanted = items_.size() + count;
    if (wanted > items_.capacity()) items_.reserve(std::max(wanted, items_.capacity() * 3 / 2));
  }
  // A new item behind all others, for runs of staged items with consecutive indexes.
  ItemIx make_last() {
    items_.emplace_back();
    return static_cast<ItemIx>(items_.size() - 1);
  }
  void free(ItemIx ix) {
    if (ix + 1 == items_.size()) {
      items_.pop_back();
    } else {
      items_[ix] = Item{};
      items_[ix].kind = Kind::Skip;
      free_.push_back(ix);
    }
  }
  // Forgets all items from `size` on; none of them may have been linked or freed.
  void truncate(std::size_t size) { items_.resize(size); }
  std::size_t free_count() const noexcept { return free_.size(); }

 private:
  std::vector<Item> items_;
  std::vector<ItemIx> free_;
};

}  // namespace diaryx::crdt
