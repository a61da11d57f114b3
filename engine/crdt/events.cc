#include "engine/crdt/events.h"

#include <algorithm>

#include "engine/crdt/edit/change_view.h"
#include "engine/crdt/edit/position.h"
#include "engine/crdt/edit/value.h"

namespace diaryx::crdt {

struct Event::Computed {
  std::optional<std::vector<KeyChange>> keys;
  std::optional<std::vector<DeltaOp>> text_delta;
  std::optional<std::vector<ListOp>> list_delta;
};

namespace {

bool is_text(const Branch& branch) noexcept {
  return branch.kind == TypeKind::Text || branch.kind == TypeKind::XmlText;
}

// What getContent() of Yjs has last: undefined where the content was collected.
Value last_value(const State& state, ItemIx ix) {
  const Item& item = state.items[ix];
  return item.countable() ? value_at(state, ix, item.length - 1) : Value();
}

std::optional<KeyChange> key_change(const State& state, const ChangeView& changes, BranchIx branch,
                                    KeyIx key) {
  const MapEntries::Entry* entry = state.branches[branch].map.find(key);
  if (entry == nullptr) return std::nullopt;
  const Item& item = state.items[entry->last];
  KeyChange change{std::string(state.keys[key]), KeyChange::Action::Delete, {}};
  if (!changes.adds(item)) {
    if (!changes.deletes(item)) return std::nullopt;
    change.old_value = last_value(state, entry->last);
    return change;
  }
  ItemIx old = item.left;
  while (old != kNone && changes.adds(state.items[old])) old = state.items[old].left;
  const bool replaces = old != kNone && changes.deletes(state.items[old]);
  if (replaces) change.old_value = last_value(state, old);
  if (changes.deletes(item)) {
    if (!replaces) return std::nullopt;  // It came and went.
  } else {
    change.action = replaces ? KeyChange::Action::Update : KeyChange::Action::Add;
  }
  return change;
}

void append_values(const State& state, ItemIx ix, std::uint64_t from, std::uint64_t to,
                   std::vector<Value>& values) {
  if (from == to || !state.items[ix].countable()) return;
  std::uint64_t at = 0;
  for_each_value(state, ix, [&](const Value& value) {
    if (at >= from && at < to) values.push_back(value);
    ++at;
  });
}

std::vector<ListOp> compute_list_delta(const State& state, const ChangeView& changes,
                                       BranchIx branch) {
  std::vector<ListOp> delta;
  const auto op = [&](ListOp::Kind kind) -> ListOp& {
    if (delta.empty() || delta.back().kind != kind) delta.push_back({kind});
    return delta.back();
  };
  for (ItemIx ix = state.branches[branch].start; ix != kNone; ix = state.items[ix].right) {
    const Item& item = state.items[ix];
    const std::uint64_t old = changes.old_units(item);
    if (item.deleted()) {
      if (old > 0 && changes.deletes(item)) op(ListOp::Kind::Delete).length += old;
      continue;
    }
    if (old > 0) op(ListOp::Kind::Retain).length += old;
    if (old < item.length)
      append_values(state, ix, old, item.length, op(ListOp::Kind::Insert).insert);
  }
  if (!delta.empty() && delta.back().kind == ListOp::Kind::Retain) delta.pop_back();
  return delta;
}

}  // namespace

Event::Event(Doc& doc, std::uint64_t transaction, TypeRef target)
    : doc_(&doc),
      transaction_(transaction),
      target_(target),
      current_target_(target),
      computed_(std::make_unique<Computed>()) {}
Event::~Event() = default;
Event::Event(Event&&) noexcept = default;

Origin Event::origin() const noexcept {
  return transaction_of(doc_->state(), transaction_).origin;
}

bool Event::local() const noexcept {
  return transaction_of(doc_->state(), transaction_).local;
}

std::vector<PathKey> Event::path() const {
  const State& state = doc_->state();
  std::vector<PathKey> path;
  for (BranchIx ix = target_.branch; ix != current_target_.branch;) {
    const Branch& branch = state.branches[ix];
    if (branch.is_root()) break;
    const ItemIx owner = state.store.item_at(branch.owner);
    const Item& item = state.items[owner];
    if (item.parent_sub != kNone) {
      path.emplace_back(std::string(state.keys[item.parent_sub]));
    } else {
      path.emplace_back(index_of(state, owner));
    }
    ix = item.parent;
  }
  std::reverse(path.begin(), path.end());
  return path;
}

std::vector<std::string> Event::keys_changed() const {
  std::vector<std::string> names;
  for (const KeyIx key : keys_) names.emplace_back(doc_->state().keys[key]);
  return names;
}

const std::vector<KeyChange>& Event::keys() const {
  if (!computed_->keys) {
    const State& state = doc_->state();
    const ChangeView changes(state, transaction_);
    std::vector<KeyChange>& all = computed_->keys.emplace();
    for (const KeyIx key : keys_) {
      if (auto change = key_change(state, changes, target_.branch, key))
        all.push_back(std::move(*change));
    }
  }
  return *computed_->keys;
}

const std::vector<DeltaOp>& Event::text_delta() const {
  if (!computed_->text_delta) {
    State& state = doc_->state();
    std::vector<DeltaOp> delta;
    if (is_text(state.branches[target_.branch]))
      delta = compute_text_delta(state, transaction_, target_.branch);
    computed_->text_delta = std::move(delta);
  }
  return *computed_->text_delta;
}

const std::vector<ListOp>& Event::list_delta() const {
  if (!computed_->list_delta) {
    const State& state = doc_->state();
    const bool has_one = list_changed_ && !is_text(state.branches[target_.branch]);
    computed_->list_delta =
        has_one ? compute_list_delta(state, ChangeView(state, transaction_), target_.branch)
                : std::vector<ListOp>();
  }
  return *computed_->list_delta;
}

std::vector<Value> Event::added() const {
  std::vector<Value> values;
  for (const ListOp& op : list_delta())
    values.insert(values.end(), op.insert.begin(), op.insert.end());
  return values;
}

std::vector<Value> Event::deleted() const {
  const State& state = doc_->state();
  std::vector<Value> values;
  if (!list_changed_ || is_text(state.branches[target_.branch])) return values;
  const ChangeView changes(state, transaction_);
  for (ItemIx ix = state.branches[target_.branch].start; ix != kNone; ix = state.items[ix].right) {
    const Item& item = state.items[ix];
    if (changes.deletes(item)) append_values(state, ix, 0, changes.old_units(item), values);
  }
  return values;
}

}  // namespace diaryx::crdt
