// Which deleted items were made anew by an UndoManager, and as what (Item.redone of Yjs).
//
// Kept beside the items because hardly any has such a link; Item::kRedone says which. A link is
// made for a whole item and holds for its units one by one, so that cutting the item needs nothing:
//
//   deleted [clock, clock + length)  →  [target, target + length)
#pragma once

#include <map>
#include <vector>

#include "engine/crdt/structs/item.h"

namespace diaryx::crdt {

class RedoneTable {
 public:
  void set(const Item& item, Id target);
  // What the first unit of `item` was made anew as; none if it was not.
  Id find(const Item& item) const noexcept;

 private:
  struct Link {
    std::uint64_t length;
    Id target;
  };
  std::vector<std::map<Clock, Link>> by_client_;
};

}  // namespace diaryx::crdt
