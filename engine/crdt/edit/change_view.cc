#include "engine/crdt/edit/change_view.h"

#include <algorithm>

namespace diaryx::crdt {

Clock ChangeView::before(ClientIx client) const noexcept {
  if (transaction_.number == state_.transaction.number) return before_clock(state_, client);
  for (std::size_t i = 0; i < transaction_.touched.size(); ++i) {
    if (transaction_.touched[i] == client) return transaction_.befores[i];
  }
  return before_clock(state_, client);
}

bool ChangeView::deletes(const Item& item) const noexcept {
  if (!item.deleted()) return false;
  const std::vector<DeleteRange>& ranges = transaction_.deletes;
  const std::uint64_t client = state_.store[item.client].id;
  const auto after =
      std::partition_point(ranges.begin(), ranges.end(), [&](const DeleteRange& range) {
        const std::uint64_t other = state_.store[range.client].id;
        return other != client ? other > client : range.clock <= item.clock;
      });
  if (after == ranges.begin()) return false;
  const DeleteRange& range = *std::prev(after);
  return range.client == item.client && item.clock < range.clock + range.length;
}

}  // namespace diaryx::crdt
