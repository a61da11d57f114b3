#include "engine/crdt/edit/apply.h"

#include <algorithm>

#include "engine/crdt/edit/collect.h"
#include "engine/crdt/edit/integrate.h"
#include "engine/crdt/edit/runs.h"
#include "engine/crdt/edit/typing.h"
#include "engine/crdt/update.h"
#include "engine/crdt/wire/encode.h"

namespace diaryx::crdt {
namespace {

void note_missing(State& state, ClientIx client, Clock clock) {
  std::vector<Pending::Missing>& missing = state.pending.missing;
  std::uint32_t& place = state.store[client].missing;
  if (place == kNone) {
    place = static_cast<std::uint32_t>(missing.size());
    missing.push_back({client, clock});
  } else {
    missing[place].clock = std::min(missing[place].clock, clock);
  }
}

// Takes the structs of one update, highest client first, follows dependencies into other sections
// of the same update, and parks a section from the struct on that waits for something which is not
// there.
class Integration {
 public:
  Integration(State& state, Staged& staged) : state_(state), sections_(staged.sections) {}

  void run() {
    state_.joining = {};
    for (std::size_t i = 0; i < sections_.size(); ++i) {
      Section& section = sections_[i];
      index_.build(state_.items, section);
      while (section.next < section.end) {
        if (section.end - section.next > 1) integrate_runs(state_, section, index_);
        if (section.next < section.end && !take_next(section)) take(i);
      }
    }
    park();
  }

 private:
  static constexpr std::size_t kNoSection = ~std::size_t{0};

  std::size_t section_of(ClientIx client) const {
    const std::uint64_t id = state_.store[client].id;
    const auto at = std::partition_point(
        sections_.begin(), sections_.end(),
        [&](const Section& section) { return state_.store[section.client].id > id; });
    if (at == sections_.end() || at->client != client || at->next == at->end) return kNoSection;
    return static_cast<std::size_t>(at - sections_.begin());
  }

  // Integrates the next struct if it is new, whole and waits for nothing: so are nearly all.
  bool take_next(Section& section) {
    const Item& item = state_.items[section.next];
    if (item.clock != state_.store[item.client].state || item.kind == Kind::Skip ||
        missing_of(state_, item) != kNone) {
      return false;
    }
    integrate_staged(state_, section.next, 0);
    ++section.next;
    return true;
  }

  // Integrates the next struct of a section and all that it waits for.
  void take(std::size_t section) {
    stack_.clear();
    stack_.push_back(section);
    while (!stack_.empty()) {
      Section& current = sections_[stack_.back()];
      const ItemIx ix = current.next;
      const Item& item = state_.items[ix];
      const Clock state = state_.store[item.client].state;
      if (item.kind == Kind::Skip || item.end() <= state) {
        discard_staged(state_, ix);
        ++current.next;
        stack_.pop_back();
        continue;
      }
      if (item.clock > state) {
        note_missing(state_, item.client, item.clock - 1);
        return park_stack();
      }
      const ClientIx missing = missing_of(state_, item);
      if (missing == kNone) {
        integrate_staged(state_, ix, state - item.clock);
        ++current.next;
        stack_.pop_back();
        continue;
      }
      const std::size_t other = section_of(missing);
      if (other == kNoSection || std::find(stack_.begin(), stack_.end(), other) != stack_.end()) {
        note_missing(state_, missing, state_.store[missing].state);
        return park_stack();
      }
      stack_.push_back(other);
    }
  }

  // Everything that the stack's sections still hold has to wait.
  void park_stack() {
    for (const std::size_t section : stack_) {
      if (sections_[section].next == sections_[section].end) continue;
      parked_.push_back(sections_[section]);
      sections_[section].next = sections_[section].end;
    }
  }

  void park() {
    if (parked_.empty()) return;
    std::sort(parked_.begin(), parked_.end(), [&](const Section& a, const Section& b) {
      return state_.store[a.client].id > state_.store[b.client].id;
    });
    V2Sink sink;
    sink.reserve();
    sink.rest().var_uint(parked_.size());
    for (const Section& section : parked_) {
      sink.reserve();
      sink.rest().var_uint(section.end - section.next);
      sink.client(state_.store[section.client].id);
      sink.rest().var_uint(state_.items[section.next].clock);
      for (ItemIx ix = section.next; ix < section.end; ++ix)
        write_struct(state_, sink, state_.items[ix], 0);
    }
    sink.reserve();
    sink.rest().u8(0);  // No deletes.
    // Backwards, so that the pool can shrink.
    for (std::size_t i = parked_.size(); i > 0; --i) {
      for (ItemIx ix = parked_[i - 1].end; ix > parked_[i - 1].next; --ix)
        discard_staged(state_, ix - 1);
    }
    Pending& pending = state_.pending;
    pending.updates.push_back(std::move(sink).take());
    pending.octets += pending.updates.back().size();
  }

  State& state_;
  std::vector<Section>& sections_;
  SectionIndex index_;
  std::vector<std::size_t> stack_;
  std::vector<Section> parked_;
};

// Deletes what is there; returns false if some of the range is not there yet and puts that into
// `range`.
bool apply_delete(State& state, DeleteRange& range) {
  const Client& client = state.store[range.client];
  const Clock known = client.state;
  if (range.clock >= known) return false;
  const Clock end = range.clock + range.length;
  const Clock stop = std::min(end, known);
  const ClockList& structs = client.structs;
  ClockList::Place place = structs.find(range.clock);
  for (Clock clock = range.clock; clock < stop;) {
    ItemIx ix = structs.item(place);
    if (!state.items[ix].deleted()) {
      if (state.items[ix].clock < clock) {
        ix = split_item(state, ix, clock - state.items[ix].clock);
        place = structs.find(clock);
      }
      if (state.items[ix].end() > end) {
        split_item(state, ix, end - state.items[ix].clock);
        place = structs.find(clock);
      }
      delete_item(state, ix);
    }
    clock = state.items[ix].end();
    if (!structs.next(place)) break;
  }
  if (end <= known) return true;
  range = {range.client, known, end - known};
  return false;
}

void apply_deletes(State& state, std::vector<DeleteRange>& deletes) {
  Pending& pending = state.pending;
  // What waited may be there now, if anything came at all.
  if (!state.transaction.touched.empty()) {
    std::erase_if(pending.deletes, [&](DeleteRange& range) { return apply_delete(state, range); });
  }
  for (DeleteRange& range : deletes) {
    if (!apply_delete(state, range)) pending.deletes.push_back(range);
  }
  if (pending.deletes.size() > 2 * pending.normal_deletes + 64) {
    sort_and_join(state.store, pending.deletes);
    pending.normal_deletes = pending.deletes.size();
  }
}

std::vector<Bytes> views(const std::vector<Buffer>& updates) {
  return std::vector<Bytes>(updates.begin(), updates.end());
}

// Merges what waits into one update, so that repeated deliveries of the same cannot pile up.
void compact(Pending& pending) {
  constexpr std::size_t kSlack = 1U << 16U;
  if (pending.updates.size() < 2 || pending.octets < 2 * pending.merged_octets + kSlack) return;
  Result<Buffer> merged = merge_updates_v2(views(pending.updates));
  DX_CHECK(merged);  // We wrote them ourselves.
  pending.updates.clear();
  pending.octets = merged->size();
  pending.merged_octets = merged->size();
  pending.updates.push_back(std::move(*merged));
}

void retry_pending(State& state, Staged& staged) {
  Pending& pending = state.pending;
  const bool worth_it =
      std::any_of(pending.missing.begin(), pending.missing.end(),
                  [&](const Pending::Missing& m) { return state.store[m.client].state > m.clock; });
  if (!worth_it) return;
  Result<Buffer> merged = pending.updates.size() == 1 ? Result<Buffer>(pending.updates[0])
                                                      : merge_updates_v2(views(pending.updates));
  DX_CHECK(merged);  // We wrote them ourselves.
  staged.from_outside = false;
  const Status decoded = decode_update(state, Format::V2, *merged, staged);
  staged.from_outside = true;
  if (!decoded) return;  // The document is full: it goes on waiting.
  pending.updates.clear();
  for (const Pending::Missing& missing : pending.missing)
    state.store[missing.client].missing = kNone;
  pending.missing.clear();
  pending.octets = 0;
  pending.merged_octets = 0;
  Integration(state, staged).run();
}

}  // namespace

Status apply_update(State& state, Format format, Bytes update, Origin origin) {
  if (format == Format::V1 && apply_key_stroke(state, update, origin)) return {};
  Staged& staged = state.staged;
  DX_TRY_OK(decode_update(state, format, update, staged));
  const TransactionScope scope(state, origin, false);
  std::vector<DeleteRange> deletes = std::move(staged.deletes);
  Integration(state, staged).run();
  // Nothing of it was new: its content need not stay.
  if (state.transaction.touched.empty()) {
    state.arena.truncate(staged.arena_start);
    state.values.resize(staged.values_start);
  }
  retry_pending(state, staged);
  apply_deletes(state, deletes);
  compact(state.pending);
  staged.deletes = std::move(deletes);
  return {};
}

Buffer pending_update(const State& state) {
  if (state.pending.empty()) return {};
  std::vector<Buffer> updates = state.pending.updates;
  if (!state.pending.deletes.empty()) {
    std::vector<DeleteRange> deletes = state.pending.deletes;
    sort_and_join(state.store, deletes);
    V2Sink sink;
    sink.reserve();
    sink.rest().u8(0);  // No structs.
    write_deletes(state, sink, std::span<const DeleteRange>(deletes));
    updates.push_back(std::move(sink).take());
  }
  Result<Buffer> merged = merge_updates_v2(views(updates));
  DX_CHECK(merged);
  return std::move(*merged);
}

}  // namespace diaryx::crdt
