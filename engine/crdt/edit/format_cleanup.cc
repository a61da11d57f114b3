#include "engine/crdt/edit/format_cleanup.h"

#include <algorithm>
#include <unordered_set>

#include "engine/crdt/edit/format.h"
#include "engine/crdt/edit/integrate.h"

namespace diaryx::crdt {
namespace {

bool is_rich_text(const Branch& branch) noexcept {
  return branch.has_formatting &&
         (branch.kind == TypeKind::Text || branch.kind == TypeKind::XmlText);
}

void add(std::vector<BranchIx>& list, BranchIx branch) {
  if (std::find(list.begin(), list.end(), branch) == list.end()) list.push_back(branch);
}

// Calls visit(item) for the structs of one client that reach into [low, high).
template <class Visit>
void for_each_struct(const State& state, ClientIx client, Clock low, Clock high, Visit visit) {
  const ClockList& structs = state.store[client].structs;
  for (ClockList::Place place = structs.find(low);;) {
    const ItemIx ix = structs[place].item;
    if (state.items[ix].clock >= high) return;
    visit(ix);
    if (!structs.next(place)) return;
  }
}

// Client by client as they first lost something, each by clock: once a mark was among them, the
// gaps of its type need no look of their own. The ranges are sorted by client and clock.
std::vector<DeleteRange> in_yjs_order(const State& state, const std::vector<ClientIx>& losers) {
  std::vector<DeleteRange> deletes = state.transaction.deletes;
  std::vector<std::size_t> place(state.store.size(), losers.size());
  for (std::size_t i = 0; i < losers.size(); ++i) place[losers[i]] = i;
  std::stable_sort(deletes.begin(), deletes.end(), [&](const DeleteRange& a, const DeleteRange& b) {
    return place[a.client] < place[b.client];
  });
  return deletes;
}

// Of several marks with one key in a gap between characters, only the last one counts.
// `seen_items`: of the gaps that were cleaned; again there is nothing to do.
void clean_around(State& state, ItemIx ix, std::unordered_set<ItemIx>& seen_items) {
  if (seen_items.count(ix) > 0) return;
  const auto in_gap = [&](ItemIx at) { return at != kNone && !state.items[at].visible(); };
  while (in_gap(state.items[ix].right)) ix = state.items[ix].right;
  KeyedList<ItemIx> seen;  // The last mark of each key.
  for (; in_gap(ix); ix = state.items[ix].left) {
    seen_items.insert(ix);
    const Item& item = state.items[ix];
    if (item.deleted() || item.kind != Kind::Format) continue;
    if (seen.find(item.content) != nullptr) {
      delete_item(state, ix);
    } else {
      seen.set(item.content, ix);
    }
  }
}

}  // namespace

FormatCleanup plan_format_cleanup(const State& state, const std::vector<ClientIx>& losers) {
  const Transaction& transaction = state.transaction;
  FormatCleanup plan;
  const bool needed = std::any_of(transaction.changed.begin(), transaction.changed.end(),
                                  [&](const Transaction::Changed& changed) {
                                    const Branch& branch = state.branches[changed.branch];
                                    return is_rich_text(branch) && !branch.deleted;
                                  });
  if (transaction.local || !needed) return plan;
  plan.due = true;
  for (const ClientIx client : transaction.touched) {
    const Clock before = state.store[client].before;
    for_each_struct(state, client, before, state.store[client].state, [&](ItemIx ix) {
      const Item& item = state.items[ix];
      if (!item.deleted() && item.kind == Kind::Format && item.clock >= before)
        add(plan.whole, item.parent);
    });
  }
  for (const DeleteRange& range : in_yjs_order(state, losers)) {
    for_each_struct(state, range.client, range.clock, range.clock + range.length, [&](ItemIx ix) {
      const Item& item = state.items[ix];
      if (item.is_gc() || !state.branches[item.parent].has_formatting) return;
      if (item.kind == Kind::Format) {
        add(plan.whole, item.parent);
      } else if (std::find(plan.whole.begin(), plan.whole.end(), item.parent) == plan.whole.end()) {
        plan.gaps.push_back(item.id());
      }
    });
  }
  return plan;
}

void run_format_cleanup(State& state, const FormatCleanup& plan) {
  std::unordered_set<ItemIx> seen;
  for (const Id id : plan.gaps) {
    const ItemIx ix = state.store.item_at(id);
    if (!state.items[ix].is_gc()) clean_around(state, ix, seen);
  }
  for (const BranchIx branch : plan.whole) {
    if (!state.branches[branch].deleted) clean_formats(state, branch);
  }
}

}  // namespace diaryx::crdt
