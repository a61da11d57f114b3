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
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "engine/base/bytes.h"
#include "engine/base/standard.h"
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

// One cache line: whoever looks at an item looks at most of it.
struct alignas(64) Item {
  enum Flag : std::uint8_t {
    kDeleted = 1,
    kAscii = 2,
    kHasSurrogates = 4,
    // While staged: origin holds the id of the parent's item, not an origin.
    kParentIsId = 8,
    kKeep = 16,    // Not to be collected: an UndoManager may want it back.
    kRedone = 32,  // Was deleted and made anew; State::redone says as what.
    // Content that grew apart from the arena's end: it begins a block of as many octets as the next
    // power of two, and what of these it does not fill is free (append_content()).
    kRoomy = 64,
  };

  // What an inner loop knows of a struct, all at once: writing the fields one by one costs a read
  // of what was just written for each.
  struct Run {
    ClientIx client;
    Clock clock;
    std::uint64_t length;
    Kind kind;
    std::uint8_t flags;
    Id origin;
    Id right_origin;
    std::uint32_t content;
    std::uint32_t content_size;
  };

  Item() noexcept = default;
  explicit Item(const Run& run) noexcept
      : clock(run.clock & kClockBits),
        flags(run.flags),
        length(run.length & kClockBits),
        kind(run.kind),
        origin_clock_(run.origin.clock & kClockBits),
        origin_high_(static_cast<std::uint8_t>(run.origin.client >> 16U)),
        right_origin_clock_(run.right_origin.clock & kClockBits),
        right_origin_high_(static_cast<std::uint8_t>(run.right_origin.client >> 16U)),
        origin_low_(static_cast<std::uint16_t>(run.origin.client)),
        right_origin_low_(static_cast<std::uint16_t>(run.right_origin.client)),
        client(run.client),
        content(run.content),
        content_size(run.content_size) {}

  std::uint64_t clock : 56 = 0;
  std::uint8_t flags = 0;
  std::uint64_t length : 56 = 0;  // UTF-16 units or elements.
  Kind kind = Kind::Gc;

 private:
  // Who made the neighbours, in 24 bits each, lies where the clocks leave room.
  std::uint64_t origin_clock_ : 56 = 0;
  std::uint8_t origin_high_ = 0xFF;
  std::uint64_t right_origin_clock_ : 56 = 0;
  std::uint8_t right_origin_high_ = 0xFF;
  std::uint16_t origin_low_ = 0xFFFF;
  std::uint16_t right_origin_low_ = 0xFFFF;

 public:
  ClientIx client = kNone;
  ItemIx left = kNone;
  ItemIx right = kNone;
  BranchIx parent = kNone;  // None for a GC, and for a staged item that takes its neighbour's.
  KeyIx parent_sub = kNone;
  std::uint32_t content = 0;
  std::uint32_t content_size = 0;

  Id id() const noexcept { return {client, clock}; }
  Id last_id() const noexcept { return {client, clock + length - 1}; }
  Clock end() const noexcept { return clock + length; }
  ClientIx origin_client() const noexcept { return widen(origin_high_, origin_low_); }
  Clock origin_clock() const noexcept { return origin_clock_; }
  ClientIx right_origin_client() const noexcept {
    return widen(right_origin_high_, right_origin_low_);
  }
  Clock right_origin_clock() const noexcept { return right_origin_clock_; }
  Id origin() const noexcept { return {origin_client(), origin_clock_}; }
  Id right_origin() const noexcept { return {right_origin_client(), right_origin_clock_}; }
  void set_clock(Clock value) noexcept { clock = value & kClockBits; }
  void set_length(std::uint64_t value) noexcept { length = value & kClockBits; }
  void set_origin(Id id) noexcept {
    origin_clock_ = id.clock & kClockBits;
    origin_high_ = static_cast<std::uint8_t>(id.client >> 16U);
    origin_low_ = static_cast<std::uint16_t>(id.client);
  }
  void set_right_origin(Id id) noexcept {
    right_origin_clock_ = id.clock & kClockBits;
    right_origin_high_ = static_cast<std::uint8_t>(id.client >> 16U);
    right_origin_low_ = static_cast<std::uint16_t>(id.client);
  }
  // origin() == id, right_origin() == id
  bool origin_is(Id id) const noexcept {
    return origin_clock_ == id.clock &&
           (static_cast<ClientIx>(origin_high_) << 16U | origin_low_) == (id.client & kNoClient);
  }
  bool right_origin_is(Id id) const noexcept {
    return right_origin_clock_ == id.clock && (static_cast<ClientIx>(right_origin_high_) << 16U |
                                               right_origin_low_) == (id.client & kNoClient);
  }
  bool same_right_origin(const Item& other) const noexcept {
    return right_origin_clock_ == other.right_origin_clock_ &&
           right_origin_high_ == other.right_origin_high_ &&
           right_origin_low_ == other.right_origin_low_;
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

 private:
  static constexpr std::uint64_t kClockBits = (1ULL << 56U) - 1;
  static ClientIx widen(std::uint8_t high, std::uint16_t low) noexcept {
    const ClientIx client = static_cast<ClientIx>(high) << 16U | low;
    return client == kNoClient ? kNone : client;
  }
  static constexpr ClientIx kNoClient = 0xFFFFFF;
};
static_assert(sizeof(Item) == 64);

// A value that v1 writes as JSON and v2 as an any-value: that of a format mark or an embed. Both
// texts lie in the arena; the any form only if it says more than the JSON (undefined, NaN, octets,
// …), else its size is 0. Equal ValueIx means the same object to JavaScript.
struct JsonValue {
  std::uint32_t json;
  std::uint32_t json_size;
  std::uint32_t any;
  std::uint32_t any_size;
};

// Items by number, in chunks that are made once and never copied: a document that grows touches no
// page twice. Only the first chunk begins small and moves, since most documents are small.
class ItemPool {
 public:
  Item& operator[](ItemIx ix) noexcept { return *slot(ix); }
  const Item& operator[](ItemIx ix) const noexcept { return *slot(ix); }
  std::size_t size() const noexcept { return size_; }

  // A new item; prefers slots that were freed.
  ItemIx make(const Item& item) {
    if (!free_.empty()) {
      const ItemIx ix = free_.back();
      free_.pop_back();
      (*this)[ix] = item;
      return ix;
    }
    const Item copy = item;  // It may lie in the chunk that moves.
    const ItemIx ix = make_last();
    (*this)[ix] = copy;
    return ix;
  }
  // A new item behind all others, for runs of staged items with consecutive indexes.
  ItemIx make_last() {
    if (size_ == capacity_) grow();
    const auto ix = static_cast<ItemIx>(size_++);
    std::construct_at(slot(ix));
    return ix;
  }
  // Where the next items go, for those who make many: `room` of them lie side by side, none of them
  // made yet. What was made there must then be told.
  Item* next_slots(std::size_t& room) {
    if (size_ == capacity_) grow();
    room = std::min(capacity_ - size_, kChunk - (size_ & kMask));
    return slot(static_cast<ItemIx>(size_));
  }
  void took(std::size_t count) noexcept { size_ += count; }
  // The slot of a freed item has no client until it is used again.
  void free(ItemIx ix) {
    (*this)[ix] = Item{};
    (*this)[ix].kind = Kind::Skip;
    if (ix + 1 == size_) {
      --size_;
    } else {
      free_.push_back(ix);
    }
  }
  // Forgets all items from `size` on; none of them may have been linked or freed.
  void truncate(std::size_t size) { size_ = size; }
  std::size_t free_count() const noexcept { return free_.size(); }

 private:
  static constexpr unsigned kShift = 9;
  static constexpr std::size_t kChunk = std::size_t{1} << kShift;
  static constexpr ItemIx kMask = kChunk - 1;
  static constexpr std::size_t kSmallest = 4;

  // Room for items, not yet any: what is never used is never written. Lines are found within a
  // block of our own, because aligned new leaves holes that nothing else fits into.
  struct Chunk {
    explicit Chunk(std::size_t count)
        : octets(make_unique_for_overwrite<std::byte[]>((count + 1) * sizeof(Item))) {
      const auto address = reinterpret_cast<std::uintptr_t>(octets.get());
      items = reinterpret_cast<Item*>(octets.get() + (alignof(Item) - address % alignof(Item)));
    }
    std::unique_ptr<std::byte[]> octets;
    Item* items;
  };

  Item* slot(ItemIx ix) const noexcept { return chunks_[ix >> kShift].items + (ix & kMask); }
  void grow();

  std::vector<Chunk> chunks_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
  std::vector<ItemIx> free_;
};

}  // namespace diaryx::crdt
