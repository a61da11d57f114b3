// What a transaction added and deleted, asked by the events of that transaction: also while another
// one, made by an observer, runs inside.
#pragma once

#include <algorithm>

#include "engine/crdt/state.h"

namespace diaryx::crdt {

class ChangeView {
 public:
  ChangeView(const State& state, std::uint64_t transaction)
      : state_(state), transaction_(transaction_of(state, transaction)) {}

  const Transaction& transaction() const noexcept { return transaction_; }
  // The next clock of `client` before the transaction.
  Clock before(ClientIx client) const noexcept;
  // Both are true of what was added and deleted in the same transaction.
  bool adds(const Item& item) const noexcept { return item.clock >= before(item.client); }
  bool deletes(const Item& item) const noexcept;
  // Units of a list item that were there before. An item grows in place when somebody goes on
  // typing, where Yjs has two that merge later: the units behind these are new.
  std::uint64_t old_units(const Item& item) const noexcept {
    const Clock clock = before(item.client);
    return clock <= item.clock ? 0 : std::min(clock - item.clock, item.length);
  }

 private:
  const State& state_;
  const Transaction& transaction_;
};

// The delta of a text, as YTextEvent.delta; see Event::text_delta().
std::vector<DeltaOp> compute_text_delta(State& state, std::uint64_t transaction, BranchIx branch);

}  // namespace diaryx::crdt
