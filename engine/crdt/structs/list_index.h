// The order-statistic tree over a long list: from an index to an item and back in O(log n).
//
// A B+-tree. Leaves hold the items of the list in order, deleted ones too; each entry of a node
// counts the visible units of the item, or of the subtree, that it stands for. A table knows
// each item's leaf, and a node its parent, so that a change walks up from where it happened:
//
//        [ 120 | 95 ]                     count of a subtree
//        /          \                                            .
//   [70 | 0 | 50]  [95 | 0 | 0]           count of an item, 0 if deleted or a format mark
//
// Nodes are freed when they are empty and not rebalanced before: a list shrinks by merging, evenly
// enough.
#pragma once

#include <array>
#include <vector>

#include "engine/crdt/structs/item.h"

namespace diaryx::crdt {

class ListIndex {
 public:
  struct Root {
    std::uint32_t node = kNone;  // None: this list has no index.
    std::uint32_t height = 0;    // Levels of nodes above the leaves.
    bool exists() const noexcept { return node != kNone; }
  };
  struct Found {
    ItemIx item;
    std::uint64_t offset;  // 1 .. its visible length.
  };

  // Over the list that begins with `start`. The root must not exist yet; the list may be empty.
  void build(Root& root, ItemPool& items, ItemIx start);
  void clear(Root& root);

  // A new item behind `left`, in front of all if that is kNone.
  void insert(Root& root, ItemPool& items, ItemIx left, ItemIx ix);
  void remove(Root& root, ItemIx ix);
  // `right` was cut off `left`, or, its entry still being there, is to become part of it.
  void cut(Root& root, ItemPool& items, ItemIx left, ItemIx right);
  void join(Root& root, const ItemPool& items, ItemIx left, ItemIx right);
  // The visible length of an item changed. Remembered until somebody asks, so that typing into one
  // item costs nothing here.
  void add(ItemIx ix, std::int64_t delta) {
    if (ix != changed_) {
      settle();
      changed_ = ix;
    }
    change_ += delta;
  }

  // The item that holds the unit before `index`; 1 <= index <= units of the list.
  Found find(const Root& root, std::uint64_t index) const noexcept;
  // Visible units before an item.
  std::uint64_t index_of(ItemIx ix) const noexcept;

  // Is the tree as it must be for that list?
  bool check(const Root& root, const ItemPool& items, ItemIx start) const;

 private:
  static constexpr std::uint32_t kFanout = 32;
  using NodeIx = std::uint32_t;
  struct Node {
    Node() { child.fill(kNone); }
    NodeIx parent = kNone;
    std::uint32_t size = 0;
    std::array<std::uint32_t, kFanout> child;  // Items in a leaf, else nodes; kNone: unused.
    // 32 bits are enough: every visible unit takes an octet in the arena, or an item.
    std::array<std::uint32_t, kFanout> count;
  };

  // Brings the last change into the tree.
  void settle() const noexcept;
  NodeIx make_node();
  std::uint32_t slot_of(NodeIx node, std::uint32_t child) const noexcept;
  void adopt(ItemPool& items, NodeIx node, std::uint32_t level, std::uint32_t child) noexcept;
  void propagate(NodeIx node, std::int64_t delta) const noexcept;
  void insert_entry(Root& root, ItemPool& items, NodeIx node, std::uint32_t level,
                    std::uint32_t slot, std::uint32_t child, std::uint32_t count);
  void place(NodeIx node, std::uint32_t slot, std::uint32_t child, std::uint32_t count) noexcept;
  void displace(NodeIx node, std::uint32_t slot) noexcept;
  NodeIx split(Root& root, ItemPool& items, NodeIx node, std::uint32_t level, std::uint32_t at);
  void remove_entry(Root& root, NodeIx node, std::uint32_t slot);
  bool check_node(const ItemPool& items, NodeIx node, NodeIx parent, std::uint32_t level,
                  ItemIx& next, std::uint64_t& units) const;

  std::vector<NodeIx> leaf_of_;  // By item; kNone, or shorter: not in any tree.
  // What add() left to do; with it the counts are logically as they should be.
  mutable ItemIx changed_ = kNone;
  mutable std::int64_t change_ = 0;
  mutable std::vector<Node> nodes_;
  std::vector<NodeIx> free_;
};

}  // namespace diaryx::crdt
