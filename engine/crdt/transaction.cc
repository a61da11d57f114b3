#include "engine/crdt/transaction.h"

#include <algorithm>
#include <string>

#include "engine/crdt/edit/collect.h"
#include "engine/crdt/edit/format_cleanup.h"
#include "engine/crdt/state.h"
#include "engine/crdt/wire/encode.h"

namespace diaryx::crdt {
namespace {

void collect_and_merge(State& state) {
  Transaction& transaction = state.transaction;
  if (state.options.gc && transaction.collect_later) {
    for (const DeleteRange& range : transaction.deletes) collect_deleted(state, range);
  }
  for (std::size_t i = transaction.merge_candidates.size(); i > 0; --i) {
    const Transaction::MergeCandidate& candidate = transaction.merge_candidates[i - 1];
    if (state.items[candidate.item].id() == candidate.id) merge_around(state, candidate.item);
  }
}

void choose_other_client_id(State& state) {
  std::uint64_t id =
      state.options.new_client_id ? state.options.new_client_id() : state.options.client_id;
  // Without a source of chance: mix the old id with all that this replica has seen.
  const auto mix = [&id](std::uint64_t word) {
    id = (id ^ word) * 0x9E3779B97F4A7C15ULL;
    id ^= id >> 31U;
  };
  if (!state.options.new_client_id) {
    for (std::size_t i = 0; i < state.store.size(); ++i) {
      mix(state.store[static_cast<ClientIx>(i)].id);
      mix(state.store[static_cast<ClientIx>(i)].state);
    }
    id &= 0xFFFFFFFFU;
  }
  while (id == 0 || state.store.find(id) != kNone) id = (id + 1) & 0xFFFFFFFFU;
  state.options.client_id = id;
  state.self = state.store.intern(id);
}

std::vector<TransactionSummary::Change> changes_of(const State& state) {
  std::vector<TransactionSummary::Change> changes;
  std::vector<Transaction::Changed> seen = state.transaction.changed;
  std::stable_sort(seen.begin(), seen.end(),
                   [](const Transaction::Changed& a, const Transaction::Changed& b) {
                     return a.branch != b.branch ? a.branch < b.branch : a.key < b.key;
                   });
  for (std::size_t i = 0; i < seen.size(); ++i) {
    const Transaction::Changed& change = seen[i];
    if (i > 0 && seen[i - 1].branch == change.branch && seen[i - 1].key == change.key) continue;
    if (state.branches[change.branch].deleted) continue;
    if (changes.empty() || changes.back().type.branch != change.branch) {
      changes.push_back({{state.doc, change.branch}, {}});
    }
    if (change.key != kNone) changes.back().keys.emplace_back(state.keys[change.key]);
  }
  return changes;
}

// Runs observers: what they edit becomes a transaction of its own.
template <class Call>
void tell(State& state, Call call) {
  state.chain.telling = true;
  state.transaction.depth = 0;
  call();
  state.transaction.depth = 1;
  state.chain.telling = false;
}

// Notes what cannot be found again once another transaction runs.
void freeze(const State& state, Transaction& transaction) {
  transaction.befores.clear();
  for (const ClientIx client : transaction.touched)
    transaction.befores.push_back(state.store[client].before);
}

void thaw(State& state, Transaction&& frozen) {
  state.transaction = std::move(frozen);
  const Transaction& transaction = state.transaction;
  for (std::size_t i = 0; i < transaction.touched.size(); ++i) {
    Client& client = state.store[transaction.touched[i]];
    client.before = transaction.befores[i];
    client.before_transaction = transaction.number;
  }
}

void set_aside(State& state) {
  freeze(state, state.transaction);
  state.chain.set_aside = std::move(state.transaction);
  state.transaction = Transaction{};
}

// As in Yjs: to a transaction that is not over yet, all is new that came since it began; so the
// update of one holds the structs of those that wait behind it.
void take_structs_of(State& state, const Transaction& later) {
  for (std::size_t i = 0; i < later.touched.size(); ++i) {
    Client& client = state.store[later.touched[i]];
    if (client.before_transaction == state.transaction.number) continue;
    client.before = later.befores[i];
    client.before_transaction = state.transaction.number;
    state.transaction.touched.push_back(later.touched[i]);
  }
}

// The end of a transaction that an observer made: it waits, the one it was told about goes on.
void make_wait(State& state) {
  freeze(state, state.transaction);
  state.chain.waiting.push_back(std::move(state.transaction));
  thaw(state, std::move(state.chain.set_aside));
  take_structs_of(state, state.chain.waiting.back());
}

void tell_observers(State& state) {
  const Transaction& transaction = state.transaction;
  V1Sink sink(std::move(state.update_scratch));
  encode_transaction(state, sink);
  const TransactionSummary summary{transaction.origin, transaction.local, sink.rest().written(),
                                   *state.doc};
  tell(state, [&] { state.observers.call(summary); });
  state.update_scratch = std::move(sink).take();
}

void begin(State& state, Origin origin, bool local) {
  Transaction& transaction = state.transaction;
  transaction.number = ++state.chain.numbers;
  transaction.origin = origin;
  transaction.local = local;
}

void clean_formats(State& state, const std::vector<ClientIx>& losers) {
  const FormatCleanup cleanup = plan_format_cleanup(state, losers);
  if (!cleanup.due) return;
  tell(state, [&] {
    const TransactionScope scope(state, 0, true);
    run_format_cleanup(state, cleanup);
  });
}

void clear(Transaction& transaction) {
  transaction.touched.clear();
  transaction.deletes.clear();
  transaction.merge_candidates.clear();
  transaction.changed.clear();
  transaction.collect_later = false;
  transaction.loaded.clear();
}

void finish(State& state) {
  Transaction& transaction = state.transaction;
  const bool changed = !transaction.touched.empty() || !transaction.deletes.empty();
  const bool own_id_used_remotely =
      !transaction.local && state.self != kNone &&
      before_clock(state, state.self) != state.store[state.self].state;
  // The clients that lost something, in the order in which they first did.
  std::vector<ClientIx> losers;
  if (state.listeners != nullptr || state.options.clean_formats)
    losers = clients_in_order(transaction.deletes);
  sort_and_join(state.store, transaction.deletes);
  if (state.listeners != nullptr) {
    tell(state, [&] { tell_listeners(state, losers); });
  }
  if (state.options.clean_formats) clean_formats(state, losers);
  collect_and_merge(state);
  if (own_id_used_remotely) choose_other_client_id(state);
  if (changed && !state.observers.empty()) tell_observers(state);
  if (state.listeners != nullptr) {
    tell(state, [&] { tell_document_listeners(state); });
  }
  clear(transaction);
}

void finish_waiting(State& state) {
  while (!state.chain.waiting.empty()) {
    thaw(state, std::move(state.chain.waiting.front()));
    state.chain.waiting.pop_front();
    for (const Transaction& later : state.chain.waiting) take_structs_of(state, later);
    finish(state);
  }
}

// All of a quick edit's transaction but the edit.
void tell_of_quick_edit(State& state, BranchIx branch) {
  state.transaction.changed.push_back({branch, kNone});
  state.transaction.depth = 1;
  tell_observers(state);
  clear(state.transaction);
  finish_waiting(state);
  state.transaction.depth = 0;
}

}  // namespace

void tell_of_append(State& state, TransactionKind kind, BranchIx branch, ClientIx ix,
                    Clock before) {
  if (state.observers.empty()) return;
  begin(state, kind.origin, kind.local);
  Client& client = state.store[ix];
  client.before_transaction = state.transaction.number;
  client.before = before;
  state.transaction.touched.push_back(ix);
  tell_of_quick_edit(state, branch);
}

void tell_of_delete(State& state, TransactionKind kind, BranchIx branch, const DeleteRange& range) {
  if (state.observers.empty()) return;
  begin(state, kind.origin, kind.local);
  state.transaction.deletes.push_back(range);
  tell_of_quick_edit(state, branch);
}

std::vector<TransactionSummary::Change> TransactionSummary::changes() const {
  return changes_of(doc.state());
}

Buffer TransactionSummary::update_v2() const {
  V2Sink sink;
  encode_transaction(doc.state(), sink);
  return std::move(sink).take();
}

TransactionScope::TransactionScope(Doc::State& state, Origin origin, bool local) : state_(state) {
  if (state.transaction.depth == 0) {
    if (state.chain.telling) set_aside(state);
    begin(state, origin, local);
  } else if (!local) {
    // As Yjs: an update applied inside makes the whole transaction a remote one.
    state.transaction.local = false;
  }
  ++state.transaction.depth;
}

TransactionScope::~TransactionScope() {
  if (state_.transaction.depth == 1) {
    if (state_.chain.telling) {
      make_wait(state_);
      return;
    }
    finish(state_);
    finish_waiting(state_);
  }
  --state_.transaction.depth;
}

const Transaction& transaction_of(const Doc::State& state, std::uint64_t number) noexcept {
  return state.transaction.number == number ? state.transaction : state.chain.set_aside;
}

Clock before_clock(const Doc::State& state, ClientIx client) noexcept {
  const Client& known = state.store[client];
  return known.before_transaction == state.transaction.number ? known.before : known.state;
}

void note_append(Doc::State& state, ClientIx client) {
  Client& known = state.store[client];
  if (known.before_transaction == state.transaction.number) return;
  known.before_transaction = state.transaction.number;
  known.before = known.state;
  state.transaction.touched.push_back(client);
  if (known.state == 0) state.arrivals.push_back(client);
}

void note_may_merge(Doc::State& state, ItemIx ix) {
  state.transaction.merge_candidates.push_back({ix, state.items[ix].id()});
}

void note_deleted(Doc::State& state, ClientIx client, Clock clock, std::uint64_t length) {
  state.transaction.deletes.push_back({client, clock, length});
}

void note_loaded(Doc::State& state, Id item) {
  if (state.listeners != nullptr) state.transaction.loaded.push_back(item);
}

void note_changed(Doc::State& state, BranchIx branch, KeyIx key) {
  if (!state.wants_details()) return;
  std::vector<Transaction::Changed>& changed = state.transaction.changed;
  if (!changed.empty() && changed.back().branch == branch && changed.back().key == key) return;
  const Branch& type = state.branches[branch];
  // A type that is new in this transaction is news of its parent, not of its own.
  const bool old = type.is_root() ||
                   (!type.deleted && type.owner.clock < before_clock(state, type.owner.client));
  if (old) changed.push_back({branch, key});
}

}  // namespace diaryx::crdt
