#include "engine/crdt/undo.h"

#include <algorithm>

#include "engine/crdt/edit/redo.h"
#include "engine/crdt/listeners.h"

namespace diaryx::crdt {

UndoManager::UndoManager(Doc& doc, std::vector<TypeRef> scope, UndoOptions options)
    : doc_(doc), state_(doc.state()), options_(std::move(options)) {
  listener_ = state_.next_handle++;
  origin_ = options_.origin.value_or((Origin{1} << 63U) + listener_);
  add_tracked_origin(origin_);
  for (const TypeRef type : scope) add_to_scope(type);
  whole_document_ = scope.empty();
  state_.listen().after.add(
      listener_, [this](const AfterTransaction& transaction) { after_transaction(transaction); });
}

UndoManager::UndoManager(Doc& doc, UndoOptions options)
    : UndoManager(doc, {}, std::move(options)) {}

UndoManager::~UndoManager() {
  doc_.unobserve(listener_);
}

void UndoManager::add_to_scope(TypeRef type) {
  if (std::find(scope_.begin(), scope_.end(), type.branch) == scope_.end())
    scope_.push_back(type.branch);
}

void UndoManager::add_document_to_scope() {
  whole_document_ = true;
}

void UndoManager::add_tracked_origin(Origin origin) {
  std::vector<Origin>& tracked = options_.tracked_origins;
  if (std::find(tracked.begin(), tracked.end(), origin) == tracked.end()) tracked.push_back(origin);
}

void UndoManager::remove_tracked_origin(Origin origin) {
  std::erase(options_.tracked_origins, origin);
}

bool UndoManager::in_scope(ItemIx ix) const {
  if (whole_document_) return true;
  for (BranchIx at = state_.items[ix].parent;;) {
    if (std::find(scope_.begin(), scope_.end(), at) != scope_.end()) return true;
    const Branch& branch = state_.branches[at];
    if (branch.is_root()) return false;
    at = state_.items[state_.store.item_at(branch.owner)].parent;
  }
}

// Transactions that are captured, by their kind, place and origin.
bool UndoManager::concerns(const AfterTransaction& transaction) const {
  const Transaction& made = state_.transaction;
  if (options_.capture_transaction && !options_.capture_transaction(made.origin, made.local))
    return false;
  const std::vector<Origin>& tracked = options_.tracked_origins;
  if (std::find(tracked.begin(), tracked.end(), made.origin) == tracked.end()) return false;
  return whole_document_ || std::any_of(scope_.begin(), scope_.end(), [&](BranchIx type) {
           return std::find(transaction.changed.begin(), transaction.changed.end(), type) !=
                  transaction.changed.end();
         });
}

void UndoManager::after_transaction(const AfterTransaction& transaction) {
  const Transaction& made = state_.transaction;
  if (made.origin == origin_) {
    changed_.clear();
    for (const BranchIx branch : transaction.changed) changed_.push_back({&doc_, branch});
  }
  if (!concerns(transaction)) return;
  Stack& stack = doing_ == Doing::Undo ? redo_stack_ : undo_stack_;
  if (doing_ == Doing::Undo) {
    stop_capturing();  // The next undo gets a step of its own.
  } else if (doing_ == Doing::Nothing) {
    clear(false, true);
  }
  StackItem step{transaction.insertions, transaction.deletions, {}};
  for_each_struct(state_, step.deletions, [&](ItemIx ix) {
    if (!state_.items[ix].is_gc() && in_scope(ix)) keep_item(state_, ix, true);
  });
  const std::uint64_t now = now_ms();
  const bool soon =
      last_change_ && (now < *last_change_ || now - *last_change_ < options_.capture_timeout_ms);
  const bool joins = soon && !stack.empty() && doing_ == Doing::Nothing;
  if (joins) {
    stack.back()->deletions.add(step.deletions);
    stack.back()->insertions.add(step.insertions);
  } else {
    stack.push_back(std::make_shared<StackItem>(std::move(step)));
  }
  if (doing_ == Doing::Nothing) last_change_ = now;
  std::vector<TypeRef> changed;
  if (!observers_.empty()) {
    for (const BranchIx branch : transaction.changed) changed.push_back({&doc_, branch});
  }
  const std::shared_ptr<StackItem> item = stack.back();  // An observer may clear the stack.
  observers_.call({joins ? StackEvent::Kind::Updated : StackEvent::Kind::Added,
                   doing_ == Doing::Undo, made.origin, *item, changed});
}

bool UndoManager::may_delete(ItemIx ix) const {
  if (!options_.delete_filter) return true;
  const Item& item = state_.items[ix];
  DoomedItem doomed{{&doc_, item.parent},         std::nullopt, std::nullopt,
                    state_.store[item.client].id, item.clock,   item.length};
  if (item.parent_sub != kNone) doomed.key = std::string(state_.keys[item.parent_sub]);
  if (item.kind == Kind::Type) doomed.type = TypeRef{&doc_, item.content};
  return options_.delete_filter(doomed);
}

// Undoes one step inside a transaction. False if that changed nothing.
bool UndoManager::apply(const StackItem& step) {
  std::vector<ItemIx> doomed;
  for_each_struct(state_, step.insertions, [&](ItemIx ix) {
    if (state_.items[ix].has(Item::kRedone)) ix = follow_redone(state_, ix);
    if (!state_.items[ix].deleted() && in_scope(ix)) doomed.push_back(ix);
  });
  std::vector<ItemIx> lost;
  for_each_struct(state_, step.deletions, [&](ItemIx ix) {
    const Item& item = state_.items[ix];
    // What came and went in the same step is not worth bringing back.
    if (!item.is_gc() && in_scope(ix) && !step.insertions.contains(item.id())) lost.push_back(ix);
  });
  const std::unordered_set<ItemIx> lost_set(lost.begin(), lost.end());
  const auto deleted_by_stack = [this](Id id) {
    const auto deletes = [id](const auto& item) { return item->deletions.contains(id); };
    return std::any_of(undo_stack_.begin(), undo_stack_.end(), deletes) ||
           std::any_of(redo_stack_.begin(), redo_stack_.end(), deletes);
  };
  Redo redo(state_,
            {lost_set, step.insertions, options_.ignore_remote_map_changes, deleted_by_stack});
  bool changed = false;
  for (const ItemIx ix : lost) changed = redo.item(ix) != kNone || changed;
  // Backwards, so that what is in a type goes before the type: a filter sees more that way.
  for (auto ix = doomed.rbegin(); ix != doomed.rend(); ++ix) {
    if (!may_delete(*ix)) continue;
    delete_item(state_, *ix);
    changed = true;
  }
  return changed;
}

std::shared_ptr<StackItem> UndoManager::pop(Stack& stack, Doing doing) {
  changed_.clear();
  doing_ = doing;
  {
    const TransactionScope scope(state_, origin_, true);
    while (!stack.empty() && popped_ == nullptr) {
      std::shared_ptr<StackItem> step = std::move(stack.back());
      stack.pop_back();
      if (apply(*step)) popped_ = std::move(step);
    }
  }
  const std::shared_ptr<StackItem> popped = popped_;
  if (popped != nullptr) {
    observers_.call({StackEvent::Kind::Popped, doing == Doing::Redo, origin_, *popped, changed_});
  }
  popped_ = nullptr;
  doing_ = Doing::Nothing;
  return popped;
}

std::shared_ptr<StackItem> UndoManager::undo() {
  return pop(undo_stack_, Doing::Undo);
}

std::shared_ptr<StackItem> UndoManager::redo() {
  return pop(redo_stack_, Doing::Redo);
}

void UndoManager::release(const Stack& stack) {
  for (const auto& item : stack) {
    for_each_struct(state_, item->deletions, [&](ItemIx ix) {
      if (!state_.items[ix].is_gc() && in_scope(ix)) keep_item(state_, ix, false);
    });
  }
}

void UndoManager::clear(bool undo_steps, bool redo_steps) {
  if (!(undo_steps && can_undo()) && !(redo_steps && can_redo())) return;
  const TransactionScope scope(state_, 0, true);
  if (undo_steps) {
    release(undo_stack_);
    undo_stack_.clear();
  }
  if (redo_steps) {
    release(redo_stack_);
    redo_stack_.clear();
  }
  clear_observers_.call(undo_steps, redo_steps);
}

std::uint64_t UndoManager::observe(Observer observer) {
  observers_.add(next_handle_, std::move(observer));
  return next_handle_++;
}

std::uint64_t UndoManager::observe_clear(ClearObserver observer) {
  clear_observers_.add(next_handle_, std::move(observer));
  return next_handle_++;
}

void UndoManager::unobserve(std::uint64_t handle) {
  observers_.remove(handle);
  clear_observers_.remove(handle);
}

}  // namespace diaryx::crdt
