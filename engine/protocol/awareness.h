// Presence: who is here, and where. Not part of the document, never stored (source:
// y-protocols 1.0.7, awareness.js).
//
//   awareness update := count:varuint  count × (client:varuint  clock:varuint  state:varstring)
//   state            := JSON text; "null" means gone
//
// An entry is newer if its clock is higher, or equal and its state is null while ours is not. A
// client never heard of counts as clock 0, so that its first state arrives with clock 1 or more.
//
// Who is here says so again and again: a client renews its state every 15 s, and one that was not
// heard of for 30 s is gone to the others (tick()).
//
// Example: 01 02 01 07 "{"v":1}"   client 2 shows {"v":1}; 01 02 01 04 "null" afterwards: it is
// gone
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/bytes.h"
#include "engine/base/result.h"

namespace diaryx::protocol {

// Entries of one document, gone ones included. When a new client would be one too many, the gone
// ones are forgotten first.
inline constexpr std::size_t kMaxAwarenessClients = 10'000;

// A state that is not renewed for so long is gone; its owner renews it after half of that.
inline constexpr std::int64_t kAwarenessTimeoutMs = 30'000;
// How often Yjs looks.
inline constexpr std::int64_t kAwarenessCheckMs = kAwarenessTimeoutMs / 10;

struct AwarenessChange {
  std::vector<std::uint64_t> added, updated, removed;
  bool empty() const noexcept { return added.empty() && updated.empty() && removed.empty(); }
};

// What JavaScript's two events report: `update` also lists states that were renewed without a
// change. Clients are in the order in which they were handled; one may be there twice.
struct AwarenessEvents {
  AwarenessChange update, change;
};

// States of all clients of one document as a server keeps them; or, with a local client, as a Yjs
// client does.
class Awareness {
 public:
  // A relay without a state of its own.
  Awareness() = default;
  // A Yjs client: starts with the state {} at clock 0, said at `now_ms`.
  explicit Awareness(std::uint64_t local_client, std::int64_t now_ms = 0);

  // Decodes all of `update` before anything changes. `now_ms` is steady time: when these clients
  // were last heard of. Malformed if the update is, or octets follow it; LimitExceeded if more than
  // kMaxAwarenessClients would have to be kept.
  Result<AwarenessEvents> apply(Bytes update, std::int64_t now_ms);
  // Null JSON ("null") means leaving. InvalidArgument for a relay, Malformed if it is no JSON.
  Result<AwarenessEvents> set_local(std::string_view state_json, std::int64_t now_ms);
  // Marks states as gone. They keep their clocks, so that encode() tells others (null with an equal
  // clock is newer) and the client's own next state is newer still; only the local client's clock
  // goes one up.
  AwarenessEvents remove(const std::vector<std::uint64_t>& clients, std::int64_t now_ms);
  // Live remote clients not heard of for `timeout_ms` (30,000 in Yjs).
  std::vector<std::uint64_t> outdated(std::int64_t now_ms, std::int64_t timeout_ms) const;
  // To be called every kAwarenessCheckMs or so: renews the local state if it is half as old as
  // `timeout_ms`, and marks those that are outdated as gone. Whoever is in the events' `update` is
  // to be told to others (encode()). Yjs renews no state that is 0, false or "".
  struct Tick {
    AwarenessEvents renewed, removed;
  };
  Tick tick(std::int64_t now_ms, std::int64_t timeout_ms = kAwarenessTimeoutMs);
  // The entries of `clients`, in that order; those never heard of are left out. The states 0, false
  // and "" are written as null, as y-protocols does.
  Buffer encode(const std::vector<std::uint64_t>& clients) const;
  std::vector<std::uint64_t> clients() const;  // With a live state, ascending.

  struct Entry {
    std::uint64_t clock = 0;
    std::optional<std::string> state_json;  // As JSON.stringify would write it; nothing once gone.
    std::int64_t heard_ms = 0;
  };
  const std::map<std::uint64_t, Entry>& entries() const noexcept { return entries_; }

 private:
  struct Incoming {
    std::uint64_t client;
    std::uint64_t clock;
    std::optional<std::string> state_json;
  };
  static Result<std::vector<Incoming>> decode(Bytes update);
  Status make_room(const std::vector<Incoming>& incoming);
  void take(Incoming& incoming, std::int64_t now_ms, AwarenessEvents& events);

  std::map<std::uint64_t, Entry> entries_;
  std::optional<std::uint64_t> local_;
};

}  // namespace diaryx::protocol
