// All that a document is: the parts that the files of this module work on together.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/crdt/branch.h"
#include "engine/crdt/doc.h"
#include "engine/crdt/listeners.h"
#include "engine/crdt/registry.h"
#include "engine/crdt/structs/content.h"
#include "engine/crdt/structs/key_table.h"
#include "engine/crdt/structs/pending.h"
#include "engine/crdt/structs/redone.h"
#include "engine/crdt/structs/staged.h"
#include "engine/crdt/structs/struct_store.h"
#include "engine/crdt/transaction.h"

namespace diaryx::crdt {

struct Doc::State {
  Doc* doc = nullptr;
  DocOptions options;
  ClientIx self = kNone;

  ItemPool items;
  Arena arena;
  KeyTable keys;
  std::vector<JsonValue> values;
  ValueIx null_value = kNone;  // The one that local edits share.
  BranchTable branches;
  std::vector<BranchIx> roots;  // In the order in which they were first seen.
  StructStore store;
  ListIndex index;  // Of all lists that are long enough for one.
  Pending pending;
  Transaction transaction;
  Chain chain;
  // Whether a run that continues the one before it becomes part of that at once (continue_run()),
  // counted over one update. Where somebody typed on it pays. In the state of a document all is
  // joined that can be, so what is joined here will be cut by what comes next.
  struct Joining {
    std::uint32_t joined = 0;
    std::uint32_t cut = 0;
    bool pays() const noexcept { return cut <= 1 + joined / 4; }
  };
  Joining joining;
  std::vector<ClientIx> arrivals;  // Clients in the order of their first structs.
  RedoneTable redone;

  Registry<const TransactionSummary&> observers;
  std::unique_ptr<Listeners> listeners;  // None: nobody ever asked for events.
  bool watched = false;                  // Somebody wants to know which types changed.
  std::uint64_t next_handle = 1;

  // A stamp per item, for the conflict scan (integrate.cc).
  std::vector<std::uint64_t> scan_stamps;
  std::uint64_t next_stamp = 1;
  // Scratch that keeps its capacity.
  std::vector<BranchIx> branch_stack;
  struct DeleteFrame {
    BranchIx branch;
    ItemIx next;        // Of its list.
    std::size_t entry;  // Of its map, once the list is through.
  };
  std::vector<DeleteFrame> delete_stack;
  Buffer update_scratch;
  Staged staged;

  std::vector<BranchIx>
      root_by_key;  // Of a name's number; shorter than `keys`, or kNone: not a root.

  // Somebody will ask what a transaction did.
  bool wants_details() const noexcept { return watched; }

  // An edit may go the short way (typing.h): it is a transaction by itself, and nobody wants more
  // of it than its update.
  bool edits_quickly() const noexcept {
    return transaction.depth == 0 && !chain.telling && !keeps_deleted();
  }
  // Deleted content is looked at before it is collected.
  bool keeps_deleted() const noexcept { return listeners != nullptr || options.clean_formats; }

  // The root of that name; kNone if it was never seen.
  BranchIx find_root(KeyIx name) const noexcept {
    return name < root_by_key.size() ? root_by_key[name] : kNone;
  }
  BranchIx root_of(KeyIx name);  // Made without a kind if need be.

  Listeners& listen();  // Made if need be; from then on changes are noted.
};

using State = Doc::State;

}  // namespace diaryx::crdt
