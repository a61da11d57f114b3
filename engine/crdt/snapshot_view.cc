#include "engine/crdt/snapshot_view.h"

#include <algorithm>

#include <fmt/format.h>

#include "engine/codec/wtf8.h"
#include "engine/crdt/edit/value.h"
#include "engine/crdt/wire/encode.h"

namespace diaryx::crdt {
namespace {

constexpr std::string_view kChangeKey = "ychange";

// A snapshot, seen from one document.
class Past {
 public:
  Past(const State& state, const Snapshot& snapshot) : known_(state.store.size()) {
    for (const auto& [client, clock] : snapshot.clocks) {
      const ClientIx ix = state.store.find(client);
      if (ix != kNone) known_[ix] = {clock, snapshot.deletes.find(client)};
    }
  }

  bool knows(Id id) const noexcept { return id.clock < known_[id.client].clock; }
  bool shows(Id id) const noexcept { return knows(id) && !deleted(id); }

  // Adds the clocks strictly inside an item at which something begins or ends to be visible.
  void add_borders(const Item& item, std::vector<Clock>& borders) const {
    const Known& known = known_[item.client];
    const auto add = [&](Clock clock) {
      if (item.clock < clock && clock < item.end()) borders.push_back(clock);
    };
    add(known.clock);
    if (known.deletes == nullptr) return;
    for (auto at = range_after(*known.deletes, item.clock);
         at != known.deletes->end() && at->clock < item.end(); ++at) {
      add(at->clock);
      add(at->end());
    }
  }

 private:
  struct Known {
    Clock clock = 0;
    const DeleteSet::Ranges* deletes = nullptr;
  };

  // The first range that ends behind `clock`.
  static DeleteSet::Ranges::const_iterator range_after(const DeleteSet::Ranges& ranges,
                                                       Clock clock) noexcept {
    return std::partition_point(
        ranges.begin(), ranges.end(),
        [clock](const DeleteSet::Range& range) { return range.end() <= clock; });
  }
  bool deleted(Id id) const noexcept {
    const DeleteSet::Ranges* ranges = known_[id.client].deletes;
    if (ranges == nullptr) return false;
    const auto at = range_after(*ranges, id.clock);
    return at != ranges->end() && at->clock <= id.clock;
  }

  std::vector<Known> known_;
};

// Cuts the text of an item at `borders` and calls visit(clock, text) with the pieces.
template <class Visit>
void for_each_piece(const State& state, const Item& item, const std::vector<Clock>& borders,
                    const Visit& visit) {
  if (borders.empty()) return visit(item.clock, content_text(state.arena, item));
  const Bytes octets = content_bytes(state.arena, item);
  Arena arena;
  arena.append(octets);
  Item piece = item;
  piece.content = 0;
  for (const Clock border : borders) {
    Item rest = piece;
    split_content(arena, piece, rest, border - piece.clock);
    rest.set_clock(border);
    rest.set_length(piece.end() - border);
    visit(piece.clock, content_text(arena, piece));
    piece = rest;
  }
  visit(piece.clock, content_text(arena, piece));
}

// Yjs' toDelta with one or two snapshots.
class PastText {
 public:
  PastText(const State& state, const Snapshot* snapshot, const Snapshot* previous,
           const ChangeMark& mark)
      : state_(state), mark_(mark) {
    if (snapshot != nullptr) now_.emplace(state, *snapshot);
    if (previous != nullptr) before_.emplace(state, *previous);
  }

  std::vector<DeltaOp> run(const Branch& branch) {
    for (ItemIx ix = branch.start; ix != kNone; ix = state_.items[ix].right) {
      const Item& item = state_.items[ix];
      if (item.kind == Kind::String) {
        pass_text(item);
      } else if (item.kind == Kind::Format) {
        if (shown_now(item, item.id())) pass_format(item);
      } else if (item.kind == Kind::Embed || item.kind == Kind::Type) {
        if (shown(item, item.id())) pass_embed(ix);
      }
    }
    pack();
    return std::move(delta_);
  }

 private:
  bool shown_now(const Item& item, Id id) const noexcept {
    return now_ ? now_->shows(id) : !item.deleted();
  }
  bool shown(const Item& item, Id id) const noexcept {
    return shown_now(item, id) || (before_ && before_->shows(id));
  }

  void pass_text(const Item& item) {
    borders_.clear();
    if (now_) now_->add_borders(item, borders_);
    if (before_) before_->add_borders(item, borders_);
    std::sort(borders_.begin(), borders_.end());
    borders_.erase(std::unique(borders_.begin(), borders_.end()), borders_.end());
    for_each_piece(state_, item, borders_, [&](Clock clock, std::string_view text) {
      const Id id{item.client, clock};
      if (!shown(item, id)) return;
      if (now_ && !now_->shows(id)) {
        mark_change(false, id);
      } else if (before_ && !before_->shows(id)) {
        mark_change(true, id);
      } else if (change() != nullptr) {
        pack();
        set(kChangeKey, {});
      }
      codec::append_wtf8(text_, text);
    });
  }

  void pass_format(const Item& item) {
    pack();
    set(state_.keys[item.content], json_value(state_, item.content_size));
  }

  void pass_embed(ItemIx ix) {
    pack();
    DeltaOp op{DeltaOp::Kind::Insert, {}, 0, attributes()};
    const Value value = value_at(state_, ix, 0);
    if (const auto* type = std::get_if<TypeRef>(&value)) {
      op.insert = *type;
    } else {
      op.insert = std::get<codec::Any>(value);
    }
    delta_.push_back(std::move(op));
  }

  // Marks what follows, unless it is marked so as the same client's already.
  void mark_change(bool added, Id id) {
    const std::string_view type = added ? "added" : "removed";
    const std::uint64_t client = state_.store[id.client].id;
    if (const codec::Any* current = change()) {
      const codec::Any* user = current->find("user");
      const codec::Any* known = current->find("type");
      if (user != nullptr && *user == codec::Any(static_cast<double>(client)) && known != nullptr &&
          *known == codec::Any(type)) {
        return;
      }
    }
    pack();
    set(kChangeKey,
        mark_ ? mark_(added, {client, id.clock}) : codec::Any(codec::AnyObject{{"type", type}}));
  }

  auto place_of(std::string_view key) {
    return std::find_if(current_.begin(), current_.end(),
                        [key](const auto& known) { return known.first == key; });
  }
  // The mark that holds now; null if there is none.
  const codec::Any* change() {
    const auto found = place_of(kChangeKey);
    return found == current_.end() ? nullptr : &found->second;
  }
  // Null and undefined end an attribute.
  void set(std::string_view key, codec::Any value) {
    const auto found = place_of(key);
    if (value.is_null() || value.is_undefined()) {
      if (found != current_.end()) current_.erase(found);
    } else if (found != current_.end()) {
      found->second = std::move(value);
    } else {
      current_.emplace_back(key, std::move(value));
    }
  }

  Attributes attributes() const {
    Attributes object = current_;
    codec::normalise_keys(object);
    return object;
  }
  void pack() {
    if (!text_.empty())
      delta_.push_back({DeltaOp::Kind::Insert, std::move(text_), 0, attributes()});
    text_.clear();
  }

  const State& state_;
  const ChangeMark& mark_;
  std::optional<Past> now_;
  std::optional<Past> before_;
  std::vector<DeltaOp> delta_;
  Attributes current_;
  std::string text_;
  std::vector<Clock> borders_;
};

// The first `length` units of an item, as a struct of its own. A text, which cutting may rewrite,
// is put to the end of the arena before.
Item head_of(Arena& arena, const Item& item, std::uint64_t length) {
  Item head = item;
  if (item.kind == Kind::String && !item.has(Item::kAscii))
    head.content = arena.append(content_bytes(arena, item));
  Item rest = head;
  split_content(arena, head, rest, length);
  head.set_length(length);
  return head;
}

// The structs of one client up to a clock, with their count and whose they are.
void write_client(State& state, V2Sink& sink, const Client& client, Clock end) {
  const ClockList& structs = client.structs;
  const ClockList::Place last = structs.find(end - 1);
  sink.reserve();
  sink.rest().var_uint(structs.size() - structs.count_from(last) + 1);
  sink.client(client.id);
  sink.rest().var_uint(0);  // The first clock.
  for (ClockList::Place place = structs.first(); place != last; structs.next(place))
    write_struct(state, sink, state.items[structs[place].item], 0);
  const Item& item = state.items[structs[last].item];
  // A gap is not cut, as in Yjs: there is nothing to be seen in it.
  if (item.end() <= end || item.is_gc()) return write_struct(state, sink, item, 0);
  write_struct(state, sink, head_of(state.arena, item, end - item.clock), 0);
}

void write_deletes(V2Sink& sink, const DeleteSet& deletes) {
  const DeleteSet::ByClient& by_client = deletes.by_client();
  WireWriter& out = sink.rest();
  sink.reserve();
  out.var_uint(by_client.size());
  for (auto at = by_client.rbegin(); at != by_client.rend(); ++at) {
    out.reserve((2 * at->second.size() + 2) * WireWriter::kMaxVar);
    sink.begin_deletes();
    out.var_uint(at->first);
    out.var_uint(at->second.size());
    for (const DeleteSet::Range& range : at->second) sink.delete_range(range.clock, range.length);
  }
}

// The item of a key that was the newest one at the snapshot, if it was not deleted then.
ItemIx map_item_at(const State& state, ItemIx newest, const Past& past) {
  ItemIx ix = newest;
  while (ix != kNone && !past.knows(state.items[ix].id())) ix = state.items[ix].left;
  return ix != kNone && past.shows(state.items[ix].id()) ? ix : kNone;
}

PastValue past_value(const State& state, ItemIx ix, Value value) {
  if (const auto* type = std::get_if<TypeRef>(&value)) return *type;
  auto& any = std::get<codec::Any>(value);
  if (state.items[ix].kind != Kind::Doc) return std::move(any);
  return SubDocument{*any.find("guid")->get<std::string>(),
                     *any.find("options")->get<codec::AnyObject>()};
}

std::optional<PastValue> map_value(const State& state, ItemIx ix) {
  if (ix == kNone) return std::nullopt;
  return past_value(state, ix, value_at(state, ix, state.items[ix].length - 1));
}

}  // namespace

Status restore_snapshot(Doc& origin, const Snapshot& snapshot, Doc& into) {
  State& state = origin.state();
  if (state.options.gc) {
    return Error{ErrorCode::InvalidArgument,
                 "snapshot: a document that collects garbage has lost what was deleted since"};
  }
  std::uint64_t clients = 0;
  for (const auto& [client, clock] : snapshot.clocks) {
    clients += clock > 0;
    if (const Clock known = origin.clock_of(client); clock > known) {
      return Error{ErrorCode::InvalidArgument,
                   fmt::format("snapshot: has {} units of client {}, the document only {}", clock,
                               client, known)};
    }
  }
  V2Sink sink;
  sink.reserve();
  sink.rest().var_uint(clients);
  for (auto at = snapshot.clocks.rbegin(); at != snapshot.clocks.rend(); ++at) {
    if (at->second > 0)
      write_client(state, sink, state.store[state.store.find(at->first)], at->second);
  }
  write_deletes(sink, snapshot.deletes);
  return into.apply_update_v2(std::move(sink).take());
}

std::vector<DeltaOp> text_at(Text text, const Snapshot* snapshot, const Snapshot* previous,
                             const ChangeMark& mark) {
  const State& state = text.ref().doc->state();
  return PastText(state, snapshot, previous, mark).run(state.branches[text.ref().branch]);
}

std::optional<PastValue> map_value_at(Map map, std::string_view key, const Snapshot& snapshot) {
  const State& state = map.ref().doc->state();
  const KeyIx known = state.keys.find(key);
  if (known == kNone) return std::nullopt;
  const MapEntries::Entry* entry = state.branches[map.ref().branch].map.find(known);
  if (entry == nullptr) return std::nullopt;
  return map_value(state, map_item_at(state, entry->last, Past(state, snapshot)));
}

std::vector<std::pair<std::string, PastValue>> map_at(Map map, const Snapshot& snapshot) {
  const State& state = map.ref().doc->state();
  const Past past(state, snapshot);
  std::vector<std::pair<std::string, PastValue>> values;
  for (const MapEntries::Entry& entry : state.branches[map.ref().branch].map) {
    if (auto value = map_value(state, map_item_at(state, entry.last, past)))
      values.emplace_back(state.keys[entry.key], std::move(*value));
  }
  return values;
}

std::vector<PastValue> array_at(Array array, const Snapshot& snapshot) {
  const State& state = array.ref().doc->state();
  const Past past(state, snapshot);
  std::vector<PastValue> values;
  for (ItemIx ix = state.branches[array.ref().branch].start; ix != kNone;
       ix = state.items[ix].right) {
    if (!state.items[ix].countable() || !past.shows(state.items[ix].id())) continue;
    for_each_value(state, ix,
                   [&](const Value& value) { values.push_back(past_value(state, ix, value)); });
  }
  return values;
}

}  // namespace diaryx::crdt
