#include "engine/crdt/edit/runs.h"

#include "engine/crdt/edit/integrate.h"

namespace diaryx::crdt {
namespace {

bool is_run(const Item& item) noexcept {
  return (item.kind == Kind::String || item.kind == Kind::Deleted) &&
         (item.flags & (Item::kParentIsId | Item::kKeep)) == 0;
}

// What was set in a map, whether it is still there or not.
bool is_entry(const Item& item) noexcept {
  const bool is_type = item.kind == Kind::Type && item.parent_sub != kNone;
  return (item.kind == Kind::Any || item.kind == Kind::Deleted || is_type) &&
         item.right_origin().none() && !item.has(Item::kKeep);
}

class Row {
 public:
  Row(State& state, ClientIx client, const SectionIndex& index)
      : state_(state),
        index_(index),
        client_ix_(client),
        client_(state.store[client]),
        wants_details_(state.wants_details()) {
    if (!client_.structs.empty()) last_ = client_.structs.back();
  }

  // False if the struct is none of those that make up a row; then nothing has changed.
  bool take(ItemIx ix) {
    Item& item = state_.items[ix];
    const Id origin = item.origin();
    if (item.clock != client_.state) return false;
    if (!is_run(item) || origin.none()) return is_entry(item) && take_entry(ix);
    // What this client made just before ends where this begins.
    const bool continues = origin.client == client_ix_ && origin.clock + 1 == item.clock;
    const ItemIx left_ix = continues ? last_ : find_left(origin);
    if (left_ix == kNone) return false;
    Item& left = state_.items[left_ix];
    const ItemIx right_ix = left.right;
    if (!item.right_origin_is(right_ix == kNone ? Id{} : state_.items[right_ix].id())) return false;
    if (left.parent_sub != kNone) return is_entry(item) && take_entry(ix);
    const bool same_kind = continues && left.kind == item.kind;
    if (same_kind && item.kind == Kind::String && state_.joining.pays()) return false;
    if (left.is_gc() || !enter(left.parent)) return false;

    note_row();
    if (same_kind && left.same_right_origin(item)) note_may_merge(state_, ix);
    item.parent = left.parent;
    item.left = left_ix;
    item.right = right_ix;
    left.right = ix;
    (right_ix != kNone ? state_.items[right_ix].left : branch_->end) = ix;
    if (item.kind == Kind::Deleted) {
      item.set(Item::kDeleted);
      if (wants_details_) note_deleted(state_, client_ix_, item.clock, item.length);
    } else {
      branch_->length += item.length;
    }
    if (left_ix != branch_->cursor) branch_->cursor = kNone;
    if (branch_->index.exists()) state_.index.insert(branch_->index, state_.items, left_ix, ix);
    append(ix, item);
    return true;
  }

 private:
  // The first that was set under its key, as far as is known, or the next one.
  [[gnu::noinline]] bool take_entry(ItemIx ix) {
    Item& item = state_.items[ix];
    const Id origin = item.origin();
    if (item.has(Item::kParentIsId)) return take_first_entry(ix, item, branch_in(origin));
    if (origin.none()) return take_first_entry(ix, item, item.parent);
    if (item.kind == Kind::Type) return false;
    const bool continues = origin.client == client_ix_ && origin.clock + 1 == item.clock;
    const ItemIx left_ix = continues ? last_ : find_left(origin);
    if (left_ix == kNone) return false;
    const Item& left = state_.items[left_ix];
    if (left.is_gc() || left.parent_sub == kNone || left.right != kNone || !enter(left.parent))
      return false;
    take_next_entry(ix, left_ix, continues && left.kind == item.kind);
    return true;
  }
  bool take_first_entry(ItemIx ix, Item& item, BranchIx parent) {
    if (item.parent_sub == kNone || parent == kNone || !enter(parent)) return false;
    MapEntries::Entry& entry = branch_->map.add(item.parent_sub);
    if (entry.last != kNone) return false;
    note_row();
    if (item.has(Item::kParentIsId)) {
      item.set_origin({});
      item.unset(Item::kParentIsId);
      item.parent = parent;
    }
    entry.first = ix;
    entry.last = ix;
    append_entry(ix, item);
    return true;
  }
  void take_next_entry(ItemIx ix, ItemIx left_ix, bool same_kind) {
    Item& item = state_.items[ix];
    Item& left = state_.items[left_ix];
    note_row();
    if (same_kind && left.right_origin().none()) note_may_merge(state_, ix);
    item.parent = left.parent;
    item.parent_sub = left.parent_sub;
    item.left = left_ix;
    left.right = ix;
    branch_->map.add(item.parent_sub).last = ix;
    if (!left.deleted()) delete_item(state_, left_ix);
    append_entry(ix, item);
  }
  void append_entry(ItemIx ix, Item& item) {
    if (item.kind == Kind::Deleted) {
      item.set(Item::kDeleted);
      if (wants_details_) note_deleted(state_, client_ix_, item.clock, item.length);
    }
    append(ix, item);
  }
  [[gnu::always_inline]] void append(ItemIx ix, const Item& item) {
    client_.structs.append({item.clock, ix});
    client_.state = item.end();
    last_ = ix;
    if (wants_details_) note_changed(state_, item.parent, item.parent_sub);
  }
  void note_row() {
    if (!noted_) note_append(state_, client_ix_);
    noted_ = true;
  }

  // The struct that ends with `origin`; kNone if it is not there or must be cut for that.
  [[gnu::always_inline]] ItemIx find_left(Id origin) const noexcept {
    if (origin.client == client_ix_ && index_.contains(origin.clock)) {
      const ItemIx ix = index_.find(origin.clock);
      const Item& item = state_.items[ix];
      if (item.client == client_ix_ && item.end() == origin.clock + 1) return ix;
    }
    const Client& owner = state_.store[origin.client];
    if (origin.clock >= owner.state) return kNone;
    const ItemIx ix = owner.structs.item(owner.structs.find(origin.clock));
    return state_.items[ix].end() == origin.clock + 1 ? ix : kNone;
  }

  // The type that this struct is; kNone if it is not there, or none. Mostly the same as for the
  // struct before.
  BranchIx branch_in(Id id) noexcept {
    if (id.client == parent_id_.client && id.clock == parent_id_.clock) return parent_;
    if (id.clock >= state_.store[id.client].state) return kNone;
    const Item& item = state_.items[state_.store.item_at(id)];
    if (item.kind != Kind::Type) return kNone;
    parent_id_ = id;
    return parent_ = item.content;
  }

  [[gnu::always_inline]] bool enter(BranchIx branch) {
    if (branch != branch_ix_) {
      branch_ix_ = branch;
      branch_ = &state_.branches[branch];
    }
    return !branch_->deleted;
  }

  State& state_;
  const SectionIndex& index_;
  ClientIx client_ix_;
  Client& client_;
  bool wants_details_;
  bool noted_ = false;
  ItemIx last_ = kNone;
  Id parent_id_;
  BranchIx parent_ = kNone;
  BranchIx branch_ix_ = kNone;
  Branch* branch_ = nullptr;
};

}  // namespace

void integrate_runs(State& state, Section& section, const SectionIndex& index) {
  const Item& first = state.items[section.next];
  if (!is_run(first) && !is_entry(first)) return;
  Row row(state, section.client, index);
  while (section.next < section.end && row.take(section.next)) ++section.next;
}

}  // namespace diaryx::crdt
