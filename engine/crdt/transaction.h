// A batch of edits, and what happens when it is over:
//
//   1. observers of types are told what changed, with events (events.h), then UndoManagers;
//   2. what was deleted is collected, structs are merged;
//   3. observers of the document are told (TransactionSummary), then those of sub-documents.
//
// Observers may edit. That is a transaction of its own, which begins and ends while the one that
// they are told about is set aside; it waits in Chain until that one went through all three steps,
// as in Yjs:
//
//   transact  ──1──2──3──▶           ──1──2──3──▶
//               └ edits ┄ waits ┄┄┄┄┄┘
#pragma once

#include <deque>
#include <vector>

#include "engine/crdt/doc.h"
#include "engine/crdt/id.h"

namespace diaryx::crdt {

struct Transaction {
  std::uint32_t depth = 0;   // Nested begin()s; 0: none runs.
  std::uint64_t number = 0;  // Of the running or last one.
  bool local = true;
  bool collect_later = false;  // Something deleted still has its content.
  Origin origin = 0;
  std::vector<ClientIx>
      touched;  // Clients that got structs; Client::before says from which clock on.
  std::vector<DeleteRange> deletes;  // What was deleted, in that order.
  // Structs that were made, cut off, deleted or became GC: they may be one with a neighbour now.
  struct MergeCandidate {
    ItemIx item;
    Id id;  // An item that has another one by then was merged already.
  };
  std::vector<MergeCandidate> merge_candidates;
  struct Changed {
    BranchIx branch;
    KeyIx key;  // kNone: the list.
  };
  std::vector<Changed> changed;  // Kept only if somebody observes.
  std::vector<Id> loaded;        // Sub-documents that this replica wants the content of.
  // Of a transaction that was set aside: Client::before of each of `touched`.
  std::vector<Clock> befores;
};

// The transactions of one document that are not over yet.
struct Chain {
  std::uint64_t numbers = 0;  // Of all transactions so far.
  bool telling = false;       // Observers run.
  Transaction set_aside;      // While one of theirs runs: the one that they are told about.
  std::deque<Transaction> waiting;
};

// Runs while it lives; the outermost one commits when it ends.
class TransactionScope {
 public:
  TransactionScope(Doc::State& state, Origin origin, bool local);
  ~TransactionScope();
  TransactionScope(const TransactionScope&) = delete;
  TransactionScope& operator=(const TransactionScope&) = delete;

 private:
  Doc::State& state_;
};

// The transaction of that number: the running one or the one set aside for it.
const Transaction& transaction_of(const Doc::State& state, std::uint64_t number) noexcept;
// The clock of `client` when the transaction began.
Clock before_clock(const Doc::State& state, ClientIx client) noexcept;
// To be called before a struct of `client` is appended.
void note_append(Doc::State& state, ClientIx client);
void note_may_merge(Doc::State& state, ItemIx ix);
void note_deleted(Doc::State& state, ClientIx client, Clock clock, std::uint64_t length);
// This replica wants to have the content of the sub-document in `item`.
void note_loaded(Doc::State& state, Id item);
// A quick edit (typing.h) was made, in no transaction: its observers are told as after one.
struct TransactionKind {
  Origin origin;
  bool local;
};
void tell_of_append(Doc::State& state, TransactionKind kind, BranchIx branch, ClientIx client,
                    Clock before);
void tell_of_delete(Doc::State& state, TransactionKind kind, BranchIx branch,
                    const DeleteRange& range);
// A direct child of `branch` changed.
void note_changed(Doc::State& state, BranchIx branch, KeyIx key);

}  // namespace diaryx::crdt
