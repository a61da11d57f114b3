// Steps with UndoManagers and observers (made by make_undo_cases.mjs):
//
//   undo.new         replica, id, scope (paths; absent: the whole document), timeout, origins,
//                    ignoreRemote
//   undo.edit        replica, now, origin, ops: one transaction with that origin. An op may also be
//                    {do: "undo" or "redo", manager}
//   undo.sync        from, to, now, origin: what `to` lacks of `from`
//   undo.undo/.redo  manager, now  → done, stacks: [undo, redo] steps left
//   undo.stop/.clear manager, now (undo, redo)
//   undo.scope       manager, at: one more type
//   events.observe   replica, at, deep: from now on
//   events.documents replica
//   events.echo      replica, at, origin: an observer that answers each change of another origin
//                    with one of its own, counting in the map "m" at "echo"
//
// `expect` of all that change a document:
//
//   emits  updates (null: not compared, because Yjs left GC structs unmerged in it)
//   calls  of observers: {observer: number of its step, events: [{path, kind, keys, delta, added,
//          deleted}]} or {documents: {added, removed, loaded}}
//   log    of the UndoManagers' events
//   state  length and FNV-1a of the update that holds everything, GC structs merged
//
// Members that would be empty are absent. `clean_formats` of the case says how its replicas behave.
#pragma once

#include <memory>

#include "engine/crdt/undo.h"
#include "tests/compat/document_steps.h"

namespace diaryx::compat {

class UndoSteps {
 public:
  explicit UndoSteps(DocumentSteps& documents) : documents_(documents) {}
  // False if the step is none of these.
  bool run(std::size_t number, const OrderedJson& step, Report& report);

 private:
  struct Manager {
    std::string replica;
    std::unique_ptr<crdt::UndoManager> manager;
  };
  // Of one replica.
  struct Records {
    OrderedJson calls = OrderedJson::array();
    OrderedJson log = OrderedJson::array();
  };

  bool run_observe(std::size_t number, const OrderedJson& step);
  void add_manager(const OrderedJson& step);
  void edit(const OrderedJson& step, Report& report);
  void sync(const OrderedJson& step, Report& report);
  void pop(const OrderedJson& step, Report& report);
  void expect_records(const std::string& replica, const OrderedJson& expected, Report& report);

  DocumentSteps& documents_;
  std::uint64_t now_ms_ = 0;
  std::map<std::string, Records> records_;
  std::map<std::string, Manager> managers_;
};

}  // namespace diaryx::compat
