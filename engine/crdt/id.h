// The numbers that name things inside one document. All are dense indexes but clocks, which count
// as Yjs counts.
//
// On the wire a struct is (client id, clock), both up to 2^53 - 1. Inside, a client id is replaced
// by a ClientIx at the border, so that comparing two ids is comparing two words and finding a
// client is indexing an array.
#pragma once

#include <cstdint>

namespace diaryx::crdt {

using Clock = std::uint64_t;
using ClientIx = std::uint32_t;  // struct_store.h
using ItemIx = std::uint32_t;    // item.h
using BranchIx = std::uint32_t;  // branch.h
using KeyIx = std::uint32_t;     // key_table.h
using ValueIx = std::uint32_t;   // item.h: FormatValue

// "No client", "no item", …, for every index above.
inline constexpr std::uint32_t kNone = 0xFFFFFFFFU;

// As many clients as a document can name: an item has 24 bits for each neighbour's.
inline constexpr std::uint32_t kMaxClients = 0xFFFFFEU;

inline constexpr std::uint64_t kMaxClock = (1ULL << 53U) - 1;

struct Id {
  ClientIx client = kNone;
  Clock clock = 0;
  bool operator==(const Id&) const = default;
  bool none() const noexcept { return client == kNone; }
};

// The name of one unit outside this document: a client id instead of an index.
struct UnitId {
  std::uint64_t client = 0;
  Clock clock = 0;
  bool operator==(const UnitId&) const = default;
};

// Deleted clocks [clock, clock + length) of one client.
struct DeleteRange {
  ClientIx client;
  Clock clock;
  std::uint64_t length;
};

}  // namespace diaryx::crdt
