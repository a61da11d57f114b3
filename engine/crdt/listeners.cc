#include "engine/crdt/listeners.h"

#include <algorithm>
#include <unordered_map>

#include "engine/crdt/edit/change_view.h"
#include "engine/crdt/edit/value.h"

namespace diaryx::crdt {

// The events of one transaction, and for whom they are.
class EventBatch {
 public:
  explicit EventBatch(State& state) : state_(state), number_(state.transaction.number) { group(); }

  void tell_types() {
    for (Event& event : changed_) {
      const Branch& branch = state_.branches[event.target().branch];
      if (branch.deleted || !branch.kind) continue;  // A type without a kind has no events.
      add_to_ancestors(event);
      const auto found = listeners().types.find(event.target().branch);
      if (found != listeners().types.end()) found->second.call(event);
    }
  }

  void tell_deep() {
    // In the order in which Yjs first put an event for them aside.
    for (const BranchIx ix : above_) {
      const auto found = listeners().deep.find(ix);
      if (found == listeners().deep.end() || state_.branches[ix].deleted) continue;
      std::vector<std::pair<std::size_t, Event*>> by_depth;
      for (const auto& [event, depth] : events_of_.at(ix)) {
        if (!state_.branches[event->target().branch].deleted) by_depth.emplace_back(depth, event);
      }
      std::stable_sort(by_depth.begin(), by_depth.end(),
                       [](const auto& a, const auto& b) { return a.first < b.first; });
      Events events;
      for (const auto& [depth, event] : by_depth) {
        event->current_target_ = {state_.doc, ix};
        events.push_back(event);
      }
      if (!events.empty()) found->second.call(events);
    }
  }

  const std::vector<BranchIx>& above() const noexcept { return above_; }

 private:
  Listeners& listeners() { return *state_.listeners; }

  // Which keys and lists of which types, each once, in the order of the first change.
  void group() {
    const std::vector<Transaction::Changed>& all = state_.transaction.changed;
    std::unordered_map<BranchIx, std::size_t> place_of;
    std::vector<std::pair<BranchIx, KeyIx>> seen;
    seen.reserve(all.size());
    for (const Transaction::Changed& change : all) seen.emplace_back(change.branch, change.key);
    // A long list of keys is made unique by sorting, not by searching what is there.
    std::vector<std::size_t> order(all.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return seen[a] < seen[b]; });
    std::vector<bool> repeated(all.size(), false);
    for (std::size_t i = 1; i < order.size(); ++i)
      repeated[order[i]] = seen[order[i]] == seen[order[i - 1]];
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (repeated[i] || state_.branches[all[i].branch].deleted) continue;
      const auto [found, fresh] = place_of.try_emplace(all[i].branch, changed_.size());
      if (fresh) {
        changed_.emplace_back(*state_.doc, number_, TypeRef{state_.doc, all[i].branch});
      }
      Event& event = changed_[found->second];
      if (all[i].key == kNone) {
        event.list_changed_ = true;
      } else {
        event.keys_.push_back(all[i].key);
      }
    }
  }

  void add_to_ancestors(Event& event) {
    if (listeners().deep.empty() && listeners().after.empty()) return;
    std::size_t depth = 0;
    for (BranchIx ix = event.target().branch;; ++depth) {
      const auto [found, fresh] = events_of_.try_emplace(ix);
      if (fresh) above_.push_back(ix);
      if (listeners().deep.contains(ix)) found->second.emplace_back(&event, depth);
      const Branch& branch = state_.branches[ix];
      if (branch.is_root()) return;
      ix = state_.items[state_.store.item_at(branch.owner)].parent;
    }
  }

  State& state_;
  std::uint64_t number_;
  std::deque<Event> changed_;  // Events keep their addresses.
  std::vector<BranchIx> above_;
  std::unordered_map<BranchIx, std::vector<std::pair<Event*, std::size_t>>> events_of_;
};

namespace {

// A struct of a client that reaches into [low, high) is visited; by index.
template <class Visit>
void for_each_struct(const State& state, ClientIx client, Clock low, Clock high, Visit visit) {
  const ClockList& structs = state.store[client].structs;
  for (ClockList::Place place = structs.find(low);;) {
    const ItemIx ix = structs.item(place);
    if (state.items[ix].clock >= high) return;
    visit(ix);
    if (!structs.next(place)) return;
  }
}

bool loads_itself(const SubDocument& document) {
  for (const auto& [name, value] : document.options) {
    if (name == "autoLoad") {
      const bool* yes = value.get<bool>();
      return yes != nullptr && *yes;
    }
  }
  return false;
}

// While the deleted ones can still be read.
SubDocumentEvents find_document_events(const State& state) {
  const Transaction& transaction = state.transaction;
  const ChangeView changes(state, transaction.number);
  SubDocumentEvents events{{}, {}, {}, transaction.origin, transaction.local};
  for (const ClientIx client : transaction.touched) {
    const Clock before = state.store[client].before;
    for_each_struct(state, client, before, state.store[client].state, [&](ItemIx ix) {
      const Item& item = state.items[ix];
      if (item.kind != Kind::Doc || item.clock < before) return;
      SubDocument document = document_in(state, ix);
      if (loads_itself(document)) events.loaded.push_back(document);
      if (!item.deleted()) events.added.push_back(std::move(document));
    });
  }
  for (const DeleteRange& range : transaction.deletes) {
    const Clock end = range.clock + range.length;
    for_each_struct(state, range.client, range.clock, end, [&](ItemIx ix) {
      const Item& item = state.items[ix];
      if (item.kind == Kind::Doc && !changes.adds(item))
        events.removed.push_back(document_in(state, ix));
    });
  }
  for (const Id id : transaction.loaded) {
    const ItemIx ix = state.store.item_at(id);
    if (state.items[ix].kind != Kind::Doc) continue;
    SubDocument document = document_in(state, ix);
    if (!changes.adds(state.items[ix]) || !loads_itself(document))
      events.loaded.push_back(std::move(document));
  }
  return events;
}

// In the order in which clients came into the document, as Yjs' state vector has it.
IdSet find_insertions(const State& state) {
  IdSet set;
  const auto add = [&](ClientIx client) {
    const Clock before = before_clock(state, client);
    const Clock now = state.store[client].state;
    if (now > before) set.add(client, before, now - before);
  };
  if (state.transaction.touched.size() == 1) {
    add(state.transaction.touched[0]);
  } else if (!state.transaction.touched.empty()) {
    std::for_each(state.arrivals.begin(), state.arrivals.end(), add);
  }
  return set;
}

IdSet find_deletions(const State& state, const std::vector<ClientIx>& losers) {
  const std::vector<DeleteRange>& deletes = state.transaction.deletes;
  std::unordered_map<ClientIx, std::size_t> first;  // They are sorted by client.
  for (std::size_t i = deletes.size(); i > 0; --i) first[deletes[i - 1].client] = i - 1;
  IdSet set;
  for (const ClientIx client : losers) {
    for (std::size_t i = first.at(client); i < deletes.size() && deletes[i].client == client; ++i)
      set.add(client, deletes[i].clock, deletes[i].length);
  }
  return set;
}

}  // namespace

std::vector<ClientIx> clients_in_order(const std::vector<DeleteRange>& ranges) {
  std::vector<ClientIx> clients;
  std::vector<bool> seen;
  for (const DeleteRange& range : ranges) {
    if (seen.size() <= range.client) seen.resize(std::size_t{range.client} + 1, false);
    if (seen[range.client]) continue;
    seen[range.client] = true;
    clients.push_back(range.client);
  }
  return clients;
}

void tell_listeners(State& state, const std::vector<ClientIx>& losers) {
  Listeners& listeners = *state.listeners;
  if (!listeners.documents.empty()) listeners.document_events = find_document_events(state);
  EventBatch batch(state);
  AfterTransaction after{batch.above(), {}, {}};
  if (!listeners.after.empty()) {
    after.insertions = find_insertions(state);
    after.deletions = find_deletions(state, losers);
  }
  batch.tell_types();
  batch.tell_deep();
  listeners.after.call(after);
}

void tell_document_listeners(State& state) {
  const SubDocumentEvents events = std::exchange(state.listeners->document_events, {});
  if (!events.empty()) state.listeners->documents.call(events);
}

}  // namespace diaryx::crdt
