// Presence: who is here, and where. Not part of the document, never stored (source: y-protocols 1.0.7, awareness.js).
//
//   awareness update := count:varuint  count × (client:varuint  clock:varuint  state:varstring)
//   state            := JSON text; "null" means gone
//
// An entry is newer if its clock is higher, or equal and its state is null while ours is not.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/bytes.h"
#include "engine/base/result.h"

namespace diaryx::protocol {

struct AwarenessChange {
  std::vector<std::uint64_t> added, updated, removed;
  bool empty() const noexcept { return added.empty() && updated.empty() && removed.empty(); }
};

// What JavaScript's two events report: `update` also lists states that were renewed without a change.
struct AwarenessEvents {
  AwarenessChange update, change;
};

// States of all clients of one document as a server keeps them; or, with a local client, as a Yjs client does.
class Awareness {
 public:
  // A relay without a state of its own.
  Awareness() = default;
  // A Yjs client: starts with the state {} at clock 0.
  explicit Awareness(std::uint64_t local_client);

  // Decodes all of `update` before anything changes. `now_ms` is steady time: when these clients were last heard of.
  Result<AwarenessEvents> apply(Bytes update, std::int64_t now_ms);
  // Null JSON ("null") means leaving.
  Result<AwarenessEvents> set_local(std::string_view state_json, std::int64_t now_ms);
  // Marks states as gone, with their clock one higher, so that encode() tells others.
  AwarenessEvents remove(const std::vector<std::uint64_t>& clients, std::int64_t now_ms);
  // Clients not heard of for `timeout_ms` (30,000 in Yjs).
  std::vector<std::uint64_t> outdated(std::int64_t now_ms, std::int64_t timeout_ms) const;
  // The entries of `clients`; those never heard of are left out.
  Buffer encode(const std::vector<std::uint64_t>& clients) const;
  std::vector<std::uint64_t> clients() const;  // With a live state, ascending.

  struct Entry {
    std::uint64_t clock = 0;
    std::optional<std::string> state_json;  // As JSON.stringify would write it; nothing once gone.
    std::int64_t heard_ms = 0;
  };
  const std::map<std::uint64_t, Entry>& entries() const noexcept { return entries_; }

 private:
  std::map<std::uint64_t, Entry> entries_;
  std::optional<std::uint64_t> local_;
};

}  // namespace diaryx::protocol
