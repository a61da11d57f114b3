#include "engine/crdt/edit/runs.h"

namespace diaryx::crdt {
namespace {

bool is_run(const Item& item) noexcept {
  return (item.kind == Kind::String || item.kind == Kind::Deleted) &&
         (item.flags & (Item::kParentIsId | Item::kKeep)) == 0;
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
    if (!is_run(item) || item.clock != client_.state || origin.none()) return false;
    // What this client made just before ends where this begins.
    const bool continues = origin.client == client_ix_ && origin.clock + 1 == item.clock;
    const ItemIx left_ix = continues ? last_ : find_left(origin);
    if (left_ix == kNone) return false;
    Item& left = state_.items[left_ix];
    const ItemIx right_ix = left.right;
    if (!item.right_origin_is(right_ix == kNone ? Id{} : state_.items[right_ix].id())) return false;
    const bool same_kind = continues && left.kind == item.kind;
    if (same_kind && item.kind == Kind::String && state_.joining.pays()) return false;
    if (left.is_gc() || left.parent_sub != kNone || !enter(left.parent)) return false;

    if (!noted_) note_append(state_, client_ix_);
    noted_ = true;
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
    client_.structs.append({item.clock, ix});
    client_.state = item.end();
    last_ = ix;
    if (wants_details_) note_changed(state_, item.parent, kNone);
    return true;
  }

 private:
  // The struct that ends with `origin`; kNone if it is not there or must be cut for that.
  ItemIx find_left(Id origin) const noexcept {
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

  bool enter(BranchIx branch) {
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
  BranchIx branch_ix_ = kNone;
  Branch* branch_ = nullptr;
};

}  // namespace

void integrate_runs(State& state, Section& section, const SectionIndex& index) {
  if (!is_run(state.items[section.next])) return;
  Row row(state, section.client, index);
  while (section.next < section.end && row.take(section.next)) ++section.next;
}

}  // namespace diaryx::crdt
