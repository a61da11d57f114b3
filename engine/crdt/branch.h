// A shared type: the list or map that items hang in. A handle (TypeRef) is an index into the
// document's branches.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "engine/base/keyed_hash.h"
#include "engine/crdt/doc.h"
#include "engine/crdt/id.h"
#include "engine/crdt/structs/list_index.h"

namespace diaryx::crdt {

// The current item per key, in the order in which the keys were first set (that of a JavaScript
// Map).
class MapEntries {
 public:
  struct Entry {
    KeyIx key;
    ItemIx last;   // The value: the item without a right neighbour.
    ItemIx first;  // The other end of its chain, where concurrent items without an origin are
                   // compared.
  };

  Entry* find(KeyIx key) noexcept {
    // A map that was filled at one go: the document numbered its keys one after the other.
    const std::size_t guess = entries_.empty() ? 0 : std::size_t{key} - entries_.front().key;
    if (guess < entries_.size() && entries_[guess].key == key) return &entries_[guess];
    return slots_.empty() && entries_.size() > kLinear ? nullptr : find_other(key);
  }
  const Entry* find(KeyIx key) const noexcept { return const_cast<MapEntries*>(this)->find(key); }
  // The entry of `key`, made with kNone items if there was none. Valid until the next add().
  Entry& add(KeyIx key);
  void clear() noexcept {
    entries_.clear();
    slots_.clear();
  }
  bool empty() const noexcept { return entries_.empty(); }
  std::size_t size() const noexcept { return entries_.size(); }
  auto begin() const noexcept { return entries_.begin(); }
  auto end() const noexcept { return entries_.end(); }

 private:
  static constexpr std::size_t kLinear = 8;  // Up to here a scan is faster than a table.
  static std::size_t slot_of(KeyIx key, std::size_t mask) noexcept {
    return static_cast<std::size_t>(keyed_hash(key)) & mask;
  }
  Entry* find_other(KeyIx key) noexcept;
  // Do the keys count up from that of the first entry?
  bool consecutive() const noexcept;
  void add_to_table();
  void rebuild(std::size_t slots);
  std::vector<Entry> entries_;
  // Open addressing, a power of two. Empty while there are no more than kLinear entries, or their
  // keys are consecutive.
  std::vector<std::uint32_t> slots_;
};

struct Branch {
  std::optional<TypeKind> kind;  // None: a root seen in an update that nobody declared yet.
  bool has_formatting = false;   // Ever had a format mark.
  bool deleted = false;          // Its item was deleted.
  KeyIx name = kNone;    // Of a root: its name. Of an XML element or hook: its node or hook name.
  Id owner;              // The item whose content this is; none for a root.
  ItemIx start = kNone;  // First and last item of the list, deleted ones included.
  ItemIx end = kNone;
  std::uint64_t length = 0;  // Visible units in the list.
  MapEntries map;
  // Where the last edit was: an item of the list and how many visible units are before it. kNone:
  // unknown.
  ItemIx cursor = kNone;
  std::uint64_t cursor_index = 0;
  ListIndex::Root index;  // position.h; none while the list is short or nobody looks far.

  bool is_root() const noexcept { return owner.none(); }
};

class BranchTable {
 public:
  Branch& operator[](BranchIx ix) noexcept { return chunks_[ix / kChunk][ix % kChunk]; }
  const Branch& operator[](BranchIx ix) const noexcept { return chunks_[ix / kChunk][ix % kChunk]; }
  std::size_t size() const noexcept { return size_; }
  BranchIx make() {
    if (!free_.empty()) {
      const BranchIx ix = free_.back();
      free_.pop_back();
      (*this)[ix] = Branch{};
      return ix;
    }
    if (size_ == chunks_.size() * kChunk) chunks_.push_back(std::make_unique<Branch[]>(kChunk));
    return static_cast<BranchIx>(size_++);
  }
  // Gives back a branch that no handle was ever made for: the content of a struct that we turned
  // out to have.
  void unmake(BranchIx ix) {
    (*this)[ix] = Branch{};
    free_.push_back(ix);
  }

 private:
  static constexpr BranchIx kChunk = 4;  // Most documents have few.
  // References stay valid while others are made.
  std::vector<std::unique_ptr<Branch[]>> chunks_;
  std::size_t size_ = 0;
  std::vector<BranchIx> free_;
};

}  // namespace diaryx::crdt
