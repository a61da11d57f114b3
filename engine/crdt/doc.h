// A Yjs-compatible document: root types, transactions, updates, events. Start here; integrate.h is
// where the thinking is.
//
// One thread at a time; no clock, no I/O. Client ids and clocks are integers up to 2^53 - 1.
// Indexes and lengths of texts count UTF-16 units, as Yjs does; texts themselves are UTF-8. An
// update made by Yjs 13 is accepted, and the same operations give the same bytes (tests/compat).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "engine/base/bytes.h"
#include "engine/base/result.h"
#include "engine/codec/any.h"

namespace diaryx::crdt {

class Doc;

// Yjs' type references, as on the wire.
enum class TypeKind : std::uint8_t {
  Array = 0,
  Map = 1,
  Text = 2,
  XmlElement = 3,
  XmlFragment = 4,
  XmlHook = 5,
  XmlText = 6
};

// A shared type inside a document: a light handle, valid as long as its Doc lives (also after the
// type was deleted).
struct TypeRef {
  Doc* doc = nullptr;
  std::uint32_t branch = 0;
  bool operator==(const TypeRef&) const = default;
};

class Text;
class Map;
class Array;
class Xml;
class Event;
struct SubDocumentEvents;

// What a map entry or an array slot holds.
using Value = std::variant<codec::Any, TypeRef>;

// Passed through to observers; the engine gives it no meaning.
using Origin = std::uint64_t;

struct DocOptions {
  std::uint64_t client_id = 0;
  bool gc = true;  // Forget the content of what was deleted.
  // After a remote transaction on rich text, delete the format marks that became useless, in a
  // transaction of its own, as Yjs clients do. A server should leave that to them: with reordered
  // delivery peers may clean differently.
  bool clean_formats = false;
  // Asked for another client id when an update shows that somebody else writes under ours. Without
  // it a new id is derived from the old one and from what this replica has seen: two replicas in
  // the same state would derive the same one.
  std::function<std::uint64_t()> new_client_id = nullptr;
};

// What one transaction did, told once it is over. Borrowed: valid during the call only.
struct TransactionSummary {
  Origin origin;
  bool local;    // Made by transact(), not by apply_update().
  Bytes update;  // Update v1 of just this transaction, as Yjs' 'update' event; empty span if
                 // nothing changed.
  // Types whose direct children changed. For maps the keys that changed; for sequences `keys` is
  // empty.
  struct Change {
    TypeRef type;
    std::vector<std::string> keys;
  };
  const Doc& doc;
  std::vector<Change> changes() const;
  Buffer update_v2() const;  // The same as `update` in format v2, made when asked for.
};

class Doc {
 public:
  explicit Doc(DocOptions options);
  ~Doc();
  Doc(const Doc&) = delete;
  Doc& operator=(const Doc&) = delete;

  std::uint64_t client_id() const noexcept;

  // The root type of that name, declared as `kind` if it was not yet. A root first seen in an
  // update has no kind until somebody declares it; declaring it again as another kind is
  // InvalidArgument.
  Result<TypeRef> root(std::string_view name, TypeKind kind);
  // The same for code that fixes the kind itself: aborts where root() would fail, so only after a
  // successful root().
  Text text(std::string_view root_name);
  Map map(std::string_view root_name);
  Array array(std::string_view root_name);

  // Runs `body` as one transaction; nested calls join the outer one. Observers run at its end.
  void transact(const std::function<void()>& body, Origin origin = 0);

  // Decodes and checks all of `update` first: an error leaves the document as it was. Parts whose
  // dependencies are missing wait inside the document (has_pending()).
  Status apply_update(Bytes update_v1, Origin origin = 0);
  Status apply_update_v2(Bytes update_v2, Origin origin = 0);
  bool has_pending() const noexcept;
  // From now on an update may pass at most so many concurrent items while places are found for its
  // own; a step takes 5 to 50 ns. Honest updates pass a few for each item, but an update of 16 MiB
  // can be made to pass 10^12. Of one that passes more the call gives LimitExceeded: what was
  // applied until then stays, and observers were told of it; the rest is as if it had not come.
  void limit_rivals(std::uint64_t most) noexcept;

  Buffer encode_state_vector() const;
  // Everything, or what a replica with that state vector lacks. Pending parts included.
  Buffer encode_state_as_update() const;
  Result<Buffer> encode_state_as_update(Bytes state_vector) const;
  Buffer encode_state_as_update_v2() const;
  Result<Buffer> encode_state_as_update_v2(Bytes state_vector) const;
  // Next clock expected from `client`; 0 if never heard of.
  std::uint64_t clock_of(std::uint64_t client) const noexcept;
  // Nothing was ever written to it (and nothing is pending).
  bool empty() const noexcept;

  // Observers are called in the order of registration, after each transaction that changed
  // something; they must not throw. They may read the document, come and go (one that is added
  // during a call is called from the next one on), and edit: the edits become a transaction of
  // their own, whose observers are called once all of this one were. Nobody stops two that answer
  // each other for ever.
  using Observer = std::function<void(const TransactionSummary&)>;
  std::uint64_t observe(Observer observer);
  // Events (events.h) of one type, or of a type and all below it: earlier, while what was deleted
  // can still be read. Called after each transaction that changed such a type and left it alive.
  using TypeObserver = std::function<void(const Event&)>;
  std::uint64_t observe(TypeRef type, TypeObserver observer);
  using DeepObserver = std::function<void(const std::vector<const Event*>& events)>;
  std::uint64_t observe_deep(TypeRef type, DeepObserver observer);
  // After the transaction's update was told. What is made here counts as wanted, and so does what
  // has the option autoLoad.
  using SubDocumentObserver = std::function<void(const SubDocumentEvents&)>;
  std::uint64_t observe_documents(SubDocumentObserver observer);
  // Of any of these. A handle that is not, or no longer, one does nothing.
  void unobserve(std::uint64_t handle);

  // From a type up to its root: root name first, then a map key (string) or nothing for a place in
  // a sequence, per level.
  struct PathStep {
    std::optional<std::string> key;
  };
  struct Path {
    std::string root;
    std::vector<PathStep> steps;
  };
  std::optional<Path> path_of(
      TypeRef type) const;  // Nothing if it, or something above it, was deleted.

  std::optional<TypeKind> kind_of(TypeRef type) const noexcept;

  // Every link, length and index of the document is as it must be; else what is not. For tests and
  // `validate`.
  Status check_invariants() const;

  struct State;  // Internal: defined in the module.
  State& state() noexcept { return *state_; }
  const State& state() const noexcept { return *state_; }

 private:
  std::unique_ptr<State> state_;
};

// --- Typed views over a TypeRef. Editing outside a transaction makes one of its own. ---

using Attributes = codec::AnyObject;  // A null value removes the attribute.

// Fills a new shared type. Runs in the transaction that makes it, before anything else is written.
using Fill = std::function<void(TypeRef)>;

// What a new shared type is: XML elements and hooks have a name, the others do not.
struct NewType {
  TypeKind kind;
  std::string name = {};
  Fill fill = nullptr;
};

// A document inside a document: this one only holds its name and options, and says where it is.
struct SubDocument {
  std::string guid;
  codec::AnyObject options = {};  // gc: false, autoLoad: true, meta: anything; others are dropped.
};

// One step of a text's delta, as Quill has it.
struct DeltaOp {
  enum class Kind : std::uint8_t { Insert, Retain, Delete };
  Kind kind;
  // Of an Insert: a text, an embed, a shared type (only in what to_delta() returns), or a new one
  // (only in what apply_delta() takes).
  std::variant<std::string, codec::Any, TypeRef, NewType> insert = {};
  std::uint64_t length = 0;  // Of a Retain or Delete: UTF-16 units.
  Attributes attributes = {};
};

class Text {
 public:
  explicit Text(TypeRef type) : type_(type) {}
  TypeRef ref() const noexcept { return type_; }
  std::uint64_t length() const;   // UTF-16 units, an embed counts one.
  std::string to_string() const;  // Embeds left out. Lone surrogates, if any, as WTF-8.
  std::vector<DeltaOp> to_delta() const;

  // `index` <= length(). Without attributes the text takes those of its left neighbour; {} means
  // none. Texts are UTF-8; a lone surrogate of JavaScript may be given as WTF-8 and is written as
  // U+FFFD.
  void insert(std::uint64_t index, std::string_view utf8);
  void insert(std::uint64_t index, std::string_view utf8, const Attributes& attributes);
  void insert_embed(std::uint64_t index, const codec::Any& embed,
                    const Attributes& attributes = {});
  TypeRef insert_type(std::uint64_t index, const NewType& type, const Attributes& attributes = {});
  void erase(std::uint64_t index, std::uint64_t length);
  // Sets attributes on a range; beyond the end of the text it adds line ends first, as Yjs does.
  void format(std::uint64_t index, std::uint64_t length, const Attributes& attributes);
  // `sanitize`: keep a line end at the very end of what is inserted at the very end of the text.
  void apply_delta(const std::vector<DeltaOp>& delta, bool sanitize = true);

  // Attributes of the text as a whole.
  Map attributes() const;

 private:
  TypeRef type_;
};

// A value where it lies, for those who look at many and keep few. Valid until the document changes.
class ValueView {
 public:
  // A string, UTF-8; nothing if it is something else.
  std::optional<std::string_view> text() const;
  // The shared type that it is, if it is one.
  std::optional<TypeRef> type() const;
  // A copy.
  Value value() const;
  // A copy as a plain value, a shared type as to_any() makes it one.
  codec::Any any() const;

  // As Map::visit() and Array::visit() make it. `any`: the value as lib0 encodes it, empty if it is
  // nothing of the kind; then it is the unit `offset` of the item `item`.
  ValueView(const Doc& doc, Bytes any, std::uint32_t item, std::uint64_t offset)
      : doc_(&doc), any_(any), item_(item), offset_(offset) {}

 private:
  const Doc* doc_;
  Bytes any_;
  std::uint32_t item_;
  std::uint64_t offset_;
};

class Map {
 public:
  explicit Map(TypeRef type) : type_(type) {}
  TypeRef ref() const noexcept { return type_; }
  std::optional<Value> get(std::string_view key) const;
  bool has(std::string_view key) const;
  std::size_t size() const;
  // In Yjs' order. The callback must not edit the map.
  void for_each(const std::function<void(std::string_view key, const Value& value)>& visit) const;
  // The same without a copy of what nobody asks for.
  std::optional<ValueView> view(std::string_view key) const;
  void visit(const std::function<void(std::string_view key, const ValueView& value)>& look) const;
  void set(std::string_view key, codec::Any value);
  TypeRef set_type(std::string_view key, TypeKind kind);  // A new, empty Array, Map or Text.
  TypeRef set_type(std::string_view key, const NewType& type);
  void set_document(std::string_view key, const SubDocument& document);
  // get() shows a sub-document as an object of guid and options; this tells it from a real one.
  std::optional<SubDocument> document(std::string_view key) const;
  // Tells observers of sub-documents that its content is wanted now; nothing if there is none.
  void load_document(std::string_view key);
  void erase(std::string_view key);
  void clear();

 private:
  TypeRef type_;
};

class Array {
 public:
  explicit Array(TypeRef type) : type_(type) {}
  TypeRef ref() const noexcept { return type_; }
  std::uint64_t length() const;
  std::optional<Value> get(std::uint64_t index) const;
  void for_each(const std::function<void(const Value& value)>& visit) const;
  // The same without a copy of what nobody asks for.
  void visit(const std::function<void(const ValueView& value)>& look) const;
  void insert(std::uint64_t index, std::vector<codec::Any> values);
  void push(std::vector<codec::Any> values);  // Behind everything, deleted elements included.
  TypeRef push_type(const NewType& type);
  TypeRef insert_type(std::uint64_t index, TypeKind kind);
  TypeRef insert_type(std::uint64_t index, const NewType& type);
  void insert_document(std::uint64_t index, const SubDocument& document);
  void push_document(const SubDocument& document);
  std::optional<SubDocument> document(std::uint64_t index) const;
  void load_document(std::uint64_t index);  // As Map::load_document(). `index` < length().
  void erase(std::uint64_t index, std::uint64_t length);

 private:
  TypeRef type_;
};

// An XmlFragment or XmlElement: an Array of nodes and, for an element, a Map of attributes. (Texts
// in it are Text, hooks Map.)
class Xml {
 public:
  explicit Xml(TypeRef type) : type_(type) {}
  TypeRef ref() const noexcept { return type_; }
  Array children() const { return Array(type_); }
  Map attributes() const { return Map(type_); }
  std::string node_name() const;  // Of an element or hook; else empty.
  // Right behind a child of this one, or in front of all; deleted children do not count as
  // neighbours.
  TypeRef insert_after(std::optional<TypeRef> child, const NewType& type);
  std::string to_string() const;  // As Yjs' toString(): nothing is escaped.

 private:
  TypeRef type_;
};

inline Map Text::attributes() const {
  return Map(type_);
}

// The plain JSON-like value of a type and all that is in it (toJSON of Yjs).
codec::Any to_any(TypeRef type);

}  // namespace diaryx::crdt
