#include "engine/crdt/structs/redone.h"

#include "engine/base/check.h"

namespace diaryx::crdt {

void RedoneTable::set(const Item& item, Id target) {
  if (by_client_.size() <= item.client) by_client_.resize(std::size_t{item.client} + 1);
  by_client_[item.client].insert_or_assign(item.clock, Link{item.length, target});
}

Id RedoneTable::find(const Item& item) const noexcept {
  if (!item.has(Item::kRedone)) return {};
  const std::map<Clock, Link>& links = by_client_[item.client];
  const auto after = links.upper_bound(item.clock);
  DX_CHECK(after != links.begin());
  const auto& [clock, link] = *std::prev(after);
  DX_CHECK(item.clock < clock + link.length);
  return {link.target.client, link.target.clock + (item.clock - clock)};
}

}  // namespace diaryx::crdt
