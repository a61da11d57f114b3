#include "engine/crdt/structs/list_index.h"

#include <algorithm>

#include "engine/base/check.h"

namespace diaryx::crdt {

ListIndex::NodeIx ListIndex::make_node() {
  if (!free_.empty()) {
    const NodeIx ix = free_.back();
    free_.pop_back();
    nodes_[ix] = Node{};
    return ix;
  }
  nodes_.emplace_back();
  return static_cast<NodeIx>(nodes_.size() - 1);
}

std::uint32_t ListIndex::slot_of(NodeIx node, std::uint32_t child) const noexcept {
  // All of them, without a branch: each child is there once, and unused places hold none.
  const Node& known = nodes_[node];
  std::uint32_t slot = 0;
  for (std::uint32_t i = 0; i < kFanout; ++i) slot |= known.child[i] == child ? i : 0;
  return slot;
}

void ListIndex::adopt(ItemPool& items, NodeIx node, std::uint32_t level,
                      std::uint32_t child) noexcept {
  if (level == 0) {
    if (leaf_of_.size() <= child)
      leaf_of_.resize(std::max<std::size_t>(items.size(), child + 1), kNone);
    leaf_of_[child] = node;
  } else {
    nodes_[child].parent = node;
  }
}

void ListIndex::propagate(NodeIx node, std::int64_t delta) const noexcept {
  if (delta == 0) return;
  for (NodeIx parent = nodes_[node].parent; parent != kNone;
       node = parent, parent = nodes_[node].parent) {
    std::uint32_t& count = nodes_[parent].count[slot_of(parent, node)];
    count = static_cast<std::uint32_t>(count + delta);
  }
}

void ListIndex::build(Root& root, ItemPool& items, ItemIx start) {
  settle();
  root.node = make_node();
  root.height = 0;
  NodeIx leaf = root.node;
  for (ItemIx ix = start; ix != kNone; ix = items[ix].right) {
    insert_entry(root, items, leaf, 0, nodes_[leaf].size, ix,
                 static_cast<std::uint32_t>(items[ix].visible_length()));
    leaf = leaf_of_[ix];
  }
}

void ListIndex::clear(Root& root) {
  if (!root.exists()) return;
  settle();
  std::vector<std::pair<NodeIx, std::uint32_t>> stack{{root.node, root.height}};
  while (!stack.empty()) {
    const auto [node, level] = stack.back();
    stack.pop_back();
    if (level > 0) {
      for (std::uint32_t i = 0; i < nodes_[node].size; ++i)
        stack.emplace_back(nodes_[node].child[i], level - 1);
    }
    free_.push_back(node);
  }
  root = {};
}

ListIndex::NodeIx ListIndex::split(Root& root, ItemPool& items, NodeIx node, std::uint32_t level,
                                   std::uint32_t at) {
  const NodeIx upper = make_node();
  Node& left = nodes_[node];
  Node& right = nodes_[upper];
  std::copy(left.child.begin() + at, left.child.begin() + left.size, right.child.begin());
  std::copy(left.count.begin() + at, left.count.begin() + left.size, right.count.begin());
  std::fill(left.child.begin() + at, left.child.begin() + left.size, kNone);
  right.size = left.size - at;
  left.size = at;
  std::uint32_t moved = 0;
  for (std::uint32_t i = 0; i < right.size; ++i) {
    moved += right.count[i];
    adopt(items, upper, level, right.child[i]);
  }
  if (left.parent == kNone) {
    std::uint32_t kept = 0;
    for (std::uint32_t i = 0; i < left.size; ++i) kept += left.count[i];
    const NodeIx above = make_node();  // left and right are stale from here on.
    nodes_[above].size = 2;
    nodes_[above].child[0] = node;
    nodes_[above].child[1] = upper;
    nodes_[above].count[0] = kept;
    nodes_[above].count[1] = moved;
    nodes_[node].parent = above;
    nodes_[upper].parent = above;
    root.node = above;
    ++root.height;
    return upper;
  }
  propagate(node, -static_cast<std::int64_t>(moved));
  const NodeIx parent = left.parent;
  insert_entry(root, items, parent, level + 1, slot_of(parent, node) + 1, upper, moved);
  return upper;
}

void ListIndex::insert_entry(Root& root, ItemPool& items, NodeIx node, std::uint32_t level,
                             std::uint32_t slot, std::uint32_t child, std::uint32_t count) {
  if (nodes_[node].size == kFanout) {
    // Whoever appends will append again: leave the lower node nearly full.
    const std::uint32_t at = slot == kFanout ? kFanout - 2 : kFanout / 2;
    const NodeIx upper = split(root, items, node, level, at);
    if (slot > at) {
      slot -= at;
      node = upper;
    }
  }
  place(node, slot, child, count);
  adopt(items, node, level, child);
  propagate(node, count);
}

// A node that is not full gets an entry.
void ListIndex::place(NodeIx node, std::uint32_t slot, std::uint32_t child,
                      std::uint32_t count) noexcept {
  Node& into = nodes_[node];
  std::copy_backward(into.child.begin() + slot, into.child.begin() + into.size,
                     into.child.begin() + into.size + 1);
  std::copy_backward(into.count.begin() + slot, into.count.begin() + into.size,
                     into.count.begin() + into.size + 1);
  into.child[slot] = child;
  into.count[slot] = count;
  ++into.size;
}

void ListIndex::displace(NodeIx node, std::uint32_t slot) noexcept {
  Node& from = nodes_[node];
  std::copy(from.child.begin() + slot + 1, from.child.begin() + from.size,
            from.child.begin() + slot);
  std::copy(from.count.begin() + slot + 1, from.count.begin() + from.size,
            from.count.begin() + slot);
  --from.size;
  from.child[from.size] = kNone;
}

void ListIndex::remove_entry(Root& root, NodeIx node, std::uint32_t slot) {
  Node& from = nodes_[node];
  propagate(node, -static_cast<std::int64_t>(from.count[slot]));
  displace(node, slot);
  if (from.size == 0 && from.parent != kNone) {
    remove_entry(root, from.parent, slot_of(from.parent, node));
    free_.push_back(node);
  }
  while (root.height > 0 && nodes_[root.node].size == 1) {
    const NodeIx only = nodes_[root.node].child[0];
    free_.push_back(root.node);
    nodes_[only].parent = kNone;
    root.node = only;
    --root.height;
  }
}

void ListIndex::insert(Root& root, ItemPool& items, ItemIx left, ItemIx ix) {
  settle();
  const auto count = static_cast<std::uint32_t>(items[ix].visible_length());
  if (left != kNone) {
    const NodeIx leaf = leaf_of_[left];
    insert_entry(root, items, leaf, 0, slot_of(leaf, left) + 1, ix, count);
    return;
  }
  NodeIx node = root.node;
  for (std::uint32_t level = root.height; level > 0; --level) node = nodes_[node].child[0];
  insert_entry(root, items, node, 0, 0, ix, count);
}

void ListIndex::remove(Root& root, ItemIx ix) {
  settle();
  const NodeIx leaf = leaf_of_[ix];
  remove_entry(root, leaf, slot_of(leaf, ix));
  leaf_of_[ix] = kNone;
}

// What moves from one entry of a leaf to the next is no news above it, and what add() left to do
// can wait: it is found by the item.
void ListIndex::cut(Root& root, ItemPool& items, ItemIx left, ItemIx right) {
  const std::uint64_t count = items[right].visible_length();
  const NodeIx leaf = leaf_of_[left];
  if (nodes_[leaf].size == kFanout) {
    add(left, -static_cast<std::int64_t>(count));
    return insert(root, items, left, right);
  }
  const std::uint32_t slot = slot_of(leaf, left);
  nodes_[leaf].count[slot] -= static_cast<std::uint32_t>(count);
  place(leaf, slot + 1, right, static_cast<std::uint32_t>(count));
  adopt(items, leaf, 0, right);
}

void ListIndex::join(Root& root, const ItemPool& items, ItemIx left, ItemIx right) {
  const NodeIx leaf = leaf_of_[right];
  if (leaf_of_[left] != leaf) {
    remove(root, right);
    return add(left, static_cast<std::int64_t>(items[right].visible_length()));
  }
  const std::uint32_t slot = slot_of(leaf, right);
  nodes_[leaf].count[slot - 1] += nodes_[leaf].count[slot];
  displace(leaf, slot);
  leaf_of_[right] = kNone;
  if (changed_ == right) changed_ = left;
}

void ListIndex::settle() const noexcept {
  if (changed_ == kNone) return;
  const NodeIx leaf = leaf_of_[changed_];
  std::uint32_t& count = nodes_[leaf].count[slot_of(leaf, changed_)];
  count = static_cast<std::uint32_t>(count + change_);
  propagate(leaf, change_);
  changed_ = kNone;
  change_ = 0;
}

ListIndex::Found ListIndex::find(const Root& root, std::uint64_t index) const noexcept {
  settle();
  NodeIx at = root.node;
  for (std::uint32_t level = root.height;; --level) {
    const Node& node = nodes_[at];
    std::uint32_t slot = 0;
    while (index > node.count[slot]) index -= node.count[slot++];
    at = node.child[slot];
    if (level == 0) return {at, index};
  }
}

std::uint64_t ListIndex::index_of(ItemIx ix) const noexcept {
  settle();
  std::uint64_t index = 0;
  std::uint32_t child = ix;
  for (NodeIx node = leaf_of_[ix]; node != kNone; child = node, node = nodes_[node].parent) {
    for (std::uint32_t slot = 0; nodes_[node].child[slot] != child; ++slot)
      index += nodes_[node].count[slot];
  }
  return index;
}

bool ListIndex::check_node(const ItemPool& items, NodeIx node, NodeIx parent, std::uint32_t level,
                           ItemIx& next, std::uint64_t& units) const {
  const Node& known = nodes_[node];
  if (known.parent != parent || (known.size == 0 && parent != kNone)) return false;
  for (std::uint32_t i = 0; i < known.size; ++i) {
    std::uint64_t below = 0;
    if (level > 0) {
      if (!check_node(items, known.child[i], node, level - 1, next, below)) return false;
    } else {
      if (known.child[i] != next || leaf_of_[next] != node) return false;
      below = items[next].visible_length();
      next = items[next].right;
    }
    if (known.count[i] != below) return false;
    units += below;
  }
  return true;
}

bool ListIndex::check(const Root& root, const ItemPool& items, ItemIx start) const {
  settle();
  ItemIx next = start;
  std::uint64_t units = 0;
  return check_node(items, root.node, kNone, root.height, next, units) && next == kNone;
}

}  // namespace diaryx::crdt
