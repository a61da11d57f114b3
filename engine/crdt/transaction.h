// A batch of edits, and what happens when it is over: collection, merging, events.
#pragma once

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
  std::vector<Id>
      merge_candidates;  // Structs that were split off or became GC: they may merge back.
  struct Changed {
    BranchIx branch;
    KeyIx key;  // kNone: the list.
  };
  std::vector<Changed> changed;  // Kept only if somebody observes.
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

// The clock of `client` when the transaction began.
Clock before_clock(const Doc::State& state, ClientIx client) noexcept;
// To be called before a struct of `client` is appended.
void note_append(Doc::State& state, ClientIx client);
void note_deleted(Doc::State& state, ClientIx client, Clock clock, std::uint64_t length);
// A direct child of `branch` changed.
void note_changed(Doc::State& state, BranchIx branch, KeyIx key);

}  // namespace diaryx::crdt
