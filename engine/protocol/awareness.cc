#include "engine/protocol/awareness.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "engine/codec/json_text.h"
#include "engine/codec/reader.h"
#include "engine/codec/writer.h"

namespace diaryx::protocol {
namespace {

using codec::Any;
using codec::AnyArray;
using codec::AnyObject;

// Equality as lib0's equalityDeep sees it: the order of keys does not count.
bool same_value(const Any& a, const Any& b);

bool same_object(const AnyObject& a, const AnyObject& b) {
  if (a.size() != b.size()) return false;
  const auto by_key = [](const AnyObject& object) {
    auto entries = codec::in_key_order(object);
    std::sort(entries.begin(), entries.end(),
              [](const auto* x, const auto* y) { return x->first < y->first; });
    return entries;
  };
  const auto left = by_key(a);
  const auto right = by_key(b);
  return std::equal(left.begin(), left.end(), right.begin(), [](const auto* x, const auto* y) {
    return x->first == y->first && same_value(x->second, y->second);
  });
}

bool same_value(const Any& a, const Any& b) {
  if (const auto* object = a.get<AnyObject>()) {
    const auto* other = b.get<AnyObject>();
    return other != nullptr && same_object(*object, *other);
  }
  if (const auto* array = a.get<AnyArray>()) {
    const auto* other = b.get<AnyArray>();
    return other != nullptr &&
           std::equal(array->begin(), array->end(), other->begin(), other->end(), same_value);
  }
  return a == b;
}

// Both as to_js_json wrote them.
bool same_state(const std::string& a, const std::string& b) {
  if (a == b) return true;
  const auto left = codec::parse_js_json(a);
  const auto right = codec::parse_js_json(b);
  return left && right && same_value(*left, *right);
}

// JavaScript's falsy values other than null: getLocalState() and encodeAwarenessUpdate() take them
// for no state.
bool is_falsy(const std::string& state_json) {
  return state_json == "0" || state_json == "false" || state_json == "\"\"";
}

// Nothing for null.
Result<std::optional<std::string>> normalised_state(std::string_view json) {
  DX_TRY(const Any value, codec::parse_js_json(json));
  if (value.is_null()) return std::optional<std::string>();
  return std::optional<std::string>(codec::to_js_json(value));
}

std::uint64_t next_clock(std::uint64_t clock) noexcept {
  return std::min(clock + 1, codec::kMaxSafeInteger);
}

}  // namespace

Awareness::Awareness(std::uint64_t local_client, std::int64_t now_ms) : local_(local_client) {
  Entry& entry = entries_[local_client];
  entry.state_json = "{}";
  entry.heard_ms = now_ms;
}

Result<std::vector<Awareness::Incoming>> Awareness::decode(Bytes update) {
  codec::Reader in(update);
  DX_TRY(const std::uint64_t count, in.var_uint());
  // An entry takes three octets at least.
  if (count > in.remaining() / 3) {
    return Error{ErrorCode::Malformed,
                 fmt::format("awareness: {} clients in {} octets", count, in.remaining())};
  }
  std::vector<Incoming> incoming;
  incoming.reserve(static_cast<std::size_t>(count));
  for (std::uint64_t i = 0; i < count; ++i) {
    DX_TRY(const std::uint64_t client, in.var_uint());
    DX_TRY(const std::uint64_t clock, in.var_uint());
    DX_TRY(const std::string_view json, in.var_string());
    auto state = normalised_state(json);
    if (!state)
      return std::move(state).error().with(fmt::format("awareness: state of client {}", client));
    incoming.push_back({client, clock, std::move(*state)});
  }
  if (!in.at_end()) {
    return Error{ErrorCode::Malformed,
                 fmt::format("awareness: {} octets behind the last client", in.remaining())};
  }
  return incoming;
}

Status Awareness::make_room(const std::vector<Incoming>& incoming) {
  std::set<std::uint64_t> fresh;
  for (const Incoming& entry : incoming) {
    // Those with clock 0 are ignored, not kept.
    if (entry.clock > 0 && entries_.find(entry.client) == entries_.end())
      fresh.insert(entry.client);
  }
  const auto fits = [&] { return entries_.size() + fresh.size() <= kMaxAwarenessClients; };
  if (fits()) return {};
  const auto live = static_cast<std::size_t>(
      std::count_if(entries_.begin(), entries_.end(),
                    [](const auto& entry) { return entry.second.state_json.has_value(); }));
  if (live + fresh.size() > kMaxAwarenessClients) {
    return Error{ErrorCode::LimitExceeded,
                 fmt::format("awareness: {} clients are here, {} more would be too many", live,
                             fresh.size())};
  }
  for (auto it = entries_.begin(); it != entries_.end();) {
    it = it->second.state_json || it->first == local_ ? std::next(it) : entries_.erase(it);
  }
  return {};
}

void Awareness::take(Incoming& incoming, std::int64_t now_ms, AwarenessEvents& events) {
  const auto known = entries_.find(incoming.client);
  const bool was_known = known != entries_.end();
  const bool had_state = was_known && known->second.state_json.has_value();
  const std::uint64_t clock = was_known ? known->second.clock : 0;
  const bool gone = !incoming.state_json.has_value();
  const bool newer = clock < incoming.clock || (clock == incoming.clock && gone && had_state);
  if (!newer) return;

  Entry& entry = was_known ? known->second : entries_[incoming.client];
  entry.heard_ms = now_ms;
  entry.clock = incoming.clock;
  if (gone) {
    // Nobody else says that we are gone. A clock above theirs tells them that we are still here;
    // the events name us all the same.
    const bool is_us = incoming.client == local_ && had_state && !is_falsy(*entry.state_json);
    if (is_us) {
      entry.clock = next_clock(entry.clock);
    } else {
      entry.state_json.reset();
    }
    if (was_known) {
      events.update.removed.push_back(incoming.client);
      events.change.removed.push_back(incoming.client);
    }
    return;
  }
  if (!was_known) {
    events.update.added.push_back(incoming.client);
    events.change.added.push_back(incoming.client);
  } else {
    events.update.updated.push_back(incoming.client);
    if (!had_state || !same_state(*entry.state_json, *incoming.state_json)) {
      events.change.updated.push_back(incoming.client);
    }
  }
  entry.state_json = std::move(incoming.state_json);
}

Result<AwarenessEvents> Awareness::apply(Bytes update, std::int64_t now_ms) {
  DX_TRY(std::vector<Incoming> incoming, decode(update));
  DX_TRY_OK(make_room(incoming));
  AwarenessEvents events;
  for (Incoming& entry : incoming) take(entry, now_ms, events);
  return events;
}

Result<AwarenessEvents> Awareness::set_local(std::string_view state_json, std::int64_t now_ms) {
  if (!local_)
    return Error{ErrorCode::InvalidArgument, "awareness: a relay has no state of its own"};
  DX_TRY(std::optional<std::string> state, normalised_state(state_json));
  const auto known = entries_.find(*local_);
  const bool had_state = known != entries_.end() && known->second.state_json.has_value();
  Entry& entry = entries_[*local_];
  entry.clock = known == entries_.end() ? 0 : next_clock(entry.clock);
  entry.heard_ms = now_ms;
  AwarenessEvents events;
  if (!state) {
    events.update.removed = events.change.removed = {*local_};
  } else if (!had_state) {
    events.update.added = events.change.added = {*local_};
  } else {
    events.update.updated = {*local_};
    if (!same_state(*entry.state_json, *state)) events.change.updated = {*local_};
  }
  entry.state_json = std::move(state);
  return events;
}

AwarenessEvents Awareness::remove(const std::vector<std::uint64_t>& clients, std::int64_t now_ms) {
  AwarenessEvents events;
  for (const std::uint64_t client : clients) {
    const auto known = entries_.find(client);
    if (known == entries_.end() || !known->second.state_json) continue;
    known->second.state_json.reset();
    if (client == local_) {
      known->second.clock = next_clock(known->second.clock);
      known->second.heard_ms = now_ms;
    }
    events.update.removed.push_back(client);
  }
  events.change.removed = events.update.removed;
  return events;
}

std::vector<std::uint64_t> Awareness::outdated(std::int64_t now_ms, std::int64_t timeout_ms) const {
  std::vector<std::uint64_t> out;
  for (const auto& [client, entry] : entries_) {
    if (client != local_ && entry.state_json && now_ms - entry.heard_ms >= timeout_ms)
      out.push_back(client);
  }
  return out;
}

Awareness::Tick Awareness::tick(std::int64_t now_ms, std::int64_t timeout_ms) {
  Tick tick;
  if (const auto own = local_ ? entries_.find(*local_) : entries_.end(); own != entries_.end()) {
    Entry& entry = own->second;
    if (entry.state_json && !is_falsy(*entry.state_json) &&
        now_ms - entry.heard_ms >= timeout_ms / 2) {
      entry.clock = next_clock(entry.clock);
      entry.heard_ms = now_ms;
      tick.renewed.update.updated = {*local_};
    }
  }
  tick.removed = remove(outdated(now_ms, timeout_ms), now_ms);
  return tick;
}

Buffer Awareness::encode(const std::vector<std::uint64_t>& clients) const {
  std::vector<std::pair<std::uint64_t, const Entry*>> found;
  for (const std::uint64_t client : clients) {
    if (const auto it = entries_.find(client); it != entries_.end())
      found.emplace_back(client, &it->second);
  }
  Buffer update;
  codec::Writer out(update);
  out.var_uint(found.size());
  for (const auto& [client, entry] : found) {
    out.var_uint(client);
    out.var_uint(entry->clock);
    out.var_string(entry->state_json && !is_falsy(*entry->state_json)
                       ? std::string_view(*entry->state_json)
                       : "null");
  }
  return update;
}

std::vector<std::uint64_t> Awareness::clients() const {
  std::vector<std::uint64_t> out;
  for (const auto& [client, entry] : entries_) {
    if (entry.state_json) out.push_back(client);
  }
  return out;
}

}  // namespace diaryx::protocol
