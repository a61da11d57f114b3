#include "engine/crdt/structs/item.h"

#include <cstring>

#include "engine/base/standard.h"

namespace diaryx::crdt {

static_assert(std::is_trivially_copyable_v<Item>);

void ItemPool::grow() {
  if (capacity_ >= kChunk) {
    chunks_.emplace_back(kChunk);
    capacity_ += kChunk;
    return;
  }
  const std::size_t larger = capacity_ == 0 ? kSmallest : capacity_ * 2;
  Chunk first(larger);
  if (capacity_ > 0) {
    std::memcpy(static_cast<void*>(first.items), chunks_[0].items, size_ * sizeof(Item));
    chunks_[0] = std::move(first);
  } else {
    chunks_.push_back(std::move(first));
  }
  capacity_ = larger;
}

}  // namespace diaryx::crdt
