// Undo and redo of one person's edits while others go on editing: Yjs' UndoManager.
//
//   UndoManager undo(doc, {text.ref()}, {.now_ms = clock});
//   text.insert(0, "hello");
//   undo.undo();
//
// It notes what each transaction with a tracked origin inserted into and deleted from its scope. To
// undo is to delete the former and to bring the latter back as new items: an edit like any other,
// which every replica understands. Transactions that follow each other closely are undone together.
//
// What a stack item deleted is kept in the document even if that collects garbage, until the stack
// item is cleared. An item that cannot be undone because others changed the same place since is
// dropped, and the next one tried.
//
// Semantics and bytes are those of Yjs 13.6. Where that would throw (what was deleted has been
// collected, because it came into the scope too late) this leaves the part out.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "engine/crdt/doc.h"
#include "engine/crdt/id_set.h"
#include "engine/crdt/registry.h"

namespace diaryx::crdt {

struct AfterTransaction;

struct StackItem {
  IdSet insertions, deletions;
  // The application's own, to be kept with the step: a selection, say.
  std::map<std::string, codec::Any> meta;
};

// An item that undoing or redoing is about to delete.
struct DoomedItem {
  TypeRef parent;
  std::optional<std::string> key;  // In a map, or of an attribute.
  std::optional<TypeRef> type;     // The shared type that it is, if it is one.
  std::uint64_t client, clock, length;
};

struct StackEvent {
  enum class Kind : std::uint8_t { Added, Updated, Popped };
  Kind kind;
  bool redo;  // The step is, or was, on the redo stack.
  Origin origin;
  StackItem& item;
  // Types that the transaction changed, and all above them.
  const std::vector<TypeRef>& changed;
};

struct UndoOptions {
  // A transaction that begins less than this after the last one of a step joins it.
  std::uint64_t capture_timeout_ms = 500;
  // Milliseconds since any fixed moment. Without it time stands still: one step until
  // stop_capturing().
  std::function<std::uint64_t()> now_ms = nullptr;
  std::vector<Origin> tracked_origins = {0};
  // Of the transactions that undo and redo. None: one that no other UndoManager of the document
  // has, from 2^63 on.
  std::optional<Origin> origin = std::nullopt;
  // Whether a transaction is to be looked at at all.
  std::function<bool(Origin origin, bool local)> capture_transaction = nullptr;
  // Whether an item may be deleted by undoing or redoing.
  std::function<bool(const DoomedItem&)> delete_filter = nullptr;
  // Overwrite what others wrote into a map meanwhile.
  bool ignore_remote_map_changes = false;
};

// Must not outlive its document.
class UndoManager {
 public:
  // `scope`: types, each with all that is in it. Without types: the whole document.
  UndoManager(Doc& doc, std::vector<TypeRef> scope, UndoOptions options = {});
  explicit UndoManager(Doc& doc, UndoOptions options = {});
  ~UndoManager();
  UndoManager(const UndoManager&) = delete;
  UndoManager& operator=(const UndoManager&) = delete;

  void add_to_scope(TypeRef type);
  void add_document_to_scope();
  void add_tracked_origin(Origin origin);
  void remove_tracked_origin(Origin origin);
  Origin origin() const noexcept { return origin_; }

  // The step that was undone or redone; null if there was none that changed anything.
  std::shared_ptr<StackItem> undo();
  std::shared_ptr<StackItem> redo();
  bool can_undo() const noexcept { return !undo_stack_.empty(); }
  bool can_redo() const noexcept { return !redo_stack_.empty(); }
  // The next transaction begins a step of its own.
  void stop_capturing() noexcept { last_change_.reset(); }
  // Forgets steps. What they deleted may be collected from then on, though only with the type that
  // it lies in.
  void clear(bool undo_steps = true, bool redo_steps = true);

  // Oldest first. Shared, because an observer may hold on to a step that is no longer on a stack.
  using Stack = std::vector<std::shared_ptr<StackItem>>;
  const Stack& undo_stack() const noexcept { return undo_stack_; }
  const Stack& redo_stack() const noexcept { return redo_stack_; }

  // Called when a step was added to a stack, grew, or was undone or redone.
  using Observer = std::function<void(const StackEvent&)>;
  std::uint64_t observe(Observer observer);
  // Called before clear() returns, with which of the stacks were to be cleared.
  using ClearObserver = std::function<void(bool undo_steps, bool redo_steps)>;
  std::uint64_t observe_clear(ClearObserver observer);
  void unobserve(std::uint64_t handle);

 private:
  enum class Doing : std::uint8_t { Nothing, Undo, Redo };

  void after_transaction(const AfterTransaction& transaction);
  bool concerns(const AfterTransaction& transaction) const;
  std::uint64_t now_ms() const { return options_.now_ms ? options_.now_ms() : 0; }
  bool in_scope(ItemIx ix) const;
  std::shared_ptr<StackItem> pop(Stack& stack, Doing doing);
  bool apply(const StackItem& step);
  bool may_delete(ItemIx ix) const;
  void release(const Stack& stack);

  Doc& doc_;
  Doc::State& state_;
  UndoOptions options_;
  Origin origin_;
  std::vector<BranchIx> scope_;
  bool whole_document_ = false;
  Stack undo_stack_, redo_stack_;
  Doing doing_ = Doing::Nothing;
  std::shared_ptr<StackItem> popped_;  // While one is undone or redone.
  std::optional<std::uint64_t> last_change_;
  std::vector<TypeRef> changed_;  // By the last transaction of this manager's own.
  Registry<const StackEvent&> observers_;
  Registry<bool, bool> clear_observers_;
  std::uint64_t next_handle_ = 1;
  std::uint64_t listener_;
};

}  // namespace diaryx::crdt
