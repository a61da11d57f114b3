// What one transaction changed in a shared type, as Yjs' events tell it.
//
//   doc.observe_deep(text.ref(), [](const crdt::Events& events) {
//     for (const crdt::Event* event : events) show(event->path(), event->text_delta());
//   });
//
// Observers run when a transaction is over and before its deleted content is forgotten, so that old
// values can be read even where the document collects garbage. An Event is valid during the call
// only. All of it is computed when asked for, and once: asking later, after another observer edited
// the document, mixes that edit in.
//
// An observer may edit the document. The edits join a transaction of their own (one per outermost
// call), whose observers run after everybody was told about this one.
#pragma once

#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "engine/crdt/doc.h"

namespace diaryx::crdt {

// One step of a list's delta: Yjs' `changes.delta` of an array, an XML fragment or an XML element.
struct ListOp {
  enum class Kind : std::uint8_t { Insert, Retain, Delete };
  Kind kind;
  std::vector<Value> insert = {};
  std::uint64_t length = 0;  // Of a Retain or Delete: elements.
  bool operator==(const ListOp&) const = default;
};

struct KeyChange {
  enum class Action : std::uint8_t { Add, Update, Delete };
  std::string key;
  Action action;
  Value old_value;  // Undefined for Add. A shared type is empty by now: its content went with it.
  bool operator==(const KeyChange&) const = default;
};

// A map key, or an index in a list (UTF-16 units in a text).
using PathKey = std::variant<std::string, std::uint64_t>;

class Event {
 public:
  Event(Doc& doc, std::uint64_t transaction, TypeRef target);
  ~Event();
  Event(Event&&) noexcept;
  Event& operator=(Event&&) = delete;

  TypeRef target() const noexcept { return target_; }
  // The type whose observer is being called.
  TypeRef current_target() const noexcept { return current_target_; }
  Origin origin() const noexcept;
  bool local() const noexcept;

  // From current_target() down to target(); empty if they are the same.
  std::vector<PathKey> path() const;
  // Something was inserted into or deleted from the list or text.
  bool list_changed() const noexcept { return list_changed_; }
  // Keys that were written or deleted, in the order in which they were first. Not all of them have
  // a change: a key that was set and deleted again in the transaction has none.
  std::vector<std::string> keys_changed() const;
  const std::vector<KeyChange>& keys() const;
  // Of a Text or XmlText, in UTF-16 units; empty for other types. In a document that cleans formats
  // (DocOptions::clean_formats) this deletes marks that turn out to be useless, as Yjs does.
  const std::vector<DeltaOp>& text_delta() const;
  // Of an Array, XmlFragment or XmlElement; empty for other types.
  const std::vector<ListOp>& list_delta() const;
  // Elements of such a list that are new, and that are gone. (A sub-document is an object of guid
  // and options.)
  std::vector<Value> added() const;
  std::vector<Value> deleted() const;

 private:
  friend class EventBatch;
  struct Computed;

  Doc* doc_;
  std::uint64_t transaction_;
  TypeRef target_;
  TypeRef current_target_;
  bool list_changed_ = false;
  std::vector<std::uint32_t> keys_;  // Numbers in the document's key table.
  std::unique_ptr<Computed> computed_;
};

// For deep observers: one event per changed type, those with the shortest path first.
using Events = std::vector<const Event*>;

// Sub-documents that came into a document, went, or whose content is wanted.
struct SubDocumentEvents {
  std::vector<SubDocument> added, removed, loaded;
  Origin origin = 0;
  bool local = true;
  bool empty() const noexcept { return added.empty() && removed.empty() && loaded.empty(); }
};

}  // namespace diaryx::crdt
