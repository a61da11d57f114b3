#include "engine/crdt/item.h"

#include <cstring>

#include "engine/base/standard.h"

namespace diaryx::crdt {

static_assert(std::is_trivially_copyable_v<Item>);

void ItemPool::grow() {
  if (capacity_ >= kChunk) {
    chunks_.push_back(make_unique_for_overwrite<Slot[]>(kChunk));
    capacity_ += kChunk;
    return;
  }
  const std::size_t larger = capacity_ == 0 ? kSmallest : capacity_ * 2;
  auto first = make_unique_for_overwrite<Slot[]>(larger);
  if (capacity_ > 0) {
    std::memcpy(first.get(), chunks_[0].get(), size_ * sizeof(Item));
    chunks_[0] = std::move(first);
  } else {
    chunks_.push_back(std::move(first));
  }
  capacity_ = larger;
}

}  // namespace diaryx::crdt
