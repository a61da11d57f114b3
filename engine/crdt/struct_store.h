// Who owns which clock: for each client its structs in clock order, without gaps from 0 on.
//
//   Client  →  blocks of at most kBlock entries (first clock of a struct, its item), each block a
//   small array
//              firsts_: first clock of each block, searched when the block of the last hit does not
//              fit
//
// A split moves at most kBlock entries, never the client's tail; finding a clock is a look at the
// last hit, else two binary searches in contiguous memory. Appending at the end, the commonest
// thing, touches one block.
#pragma once

#include <vector>

#include "engine/base/check.h"
#include "engine/crdt/item.h"

namespace diaryx::crdt {

class ClockList {
 public:
  static constexpr std::size_t kBlock = 128;

  struct Entry {
    Clock clock;
    ItemIx item;
  };
  struct Place {
    std::uint32_t block;
    std::uint32_t at;
    bool operator==(const Place&) const = default;
  };

  bool empty() const noexcept { return count_ == 0; }
  std::size_t size() const noexcept { return count_; }  // Structs.

  // The struct that holds `clock`; the list must reach beyond it.
  Place find(Clock clock) const noexcept;
  const Entry& operator[](Place place) const noexcept { return blocks_[place.block][place.at]; }
  Place first() const noexcept { return {0, 0}; }
  Place last() const noexcept {
    const auto block = static_cast<std::uint32_t>(blocks_.size() - 1);
    return {block, static_cast<std::uint32_t>(blocks_[block].size() - 1)};
  }
  ItemIx back() const noexcept { return blocks_.back().back().item; }
  // False at the end; `place` is then unchanged.
  bool next(Place& place) const noexcept {
    if (place.at + 1 < blocks_[place.block].size()) {
      ++place.at;
      return true;
    }
    if (place.block + 1 >= blocks_.size()) return false;
    place = {place.block + 1, 0};
    return true;
  }
  bool previous(Place& place) const noexcept {
    if (place.at > 0) {
      --place.at;
      return true;
    }
    if (place.block == 0) return false;
    --place.block;
    place.at = static_cast<std::uint32_t>(blocks_[place.block].size() - 1);
    return true;
  }
  // How many structs there are from `place` to the end.
  std::size_t count_from(Place place) const noexcept;

  void append(Entry entry);
  // Behind `place`. Places from there on change.
  void insert_after(Place place, Entry entry);
  void erase(Place place);
  // A struct's first clock moved (the one before it gave or took some of its end).
  void set_clock(Place place, Clock clock) noexcept {
    blocks_[place.block][place.at].clock = clock;
    if (place.at == 0) firsts_[place.block] = clock;
  }

  std::size_t block_count() const noexcept { return blocks_.size(); }
  const std::vector<Entry>& block(std::size_t ix) const noexcept { return blocks_[ix]; }
  Clock first_of_block(std::size_t ix) const noexcept { return firsts_[ix]; }

 private:
  std::vector<std::vector<Entry>> blocks_;
  std::vector<Clock> firsts_;
  std::size_t count_ = 0;
  mutable Place hint_{0, 0};
};

struct Client {
  std::uint64_t id = 0;  // As on the wire.
  Clock state = 0;       // The next clock.
  // What `state` was when the running transaction began, if it is the transaction of that number.
  Clock before = 0;
  std::uint64_t before_transaction = 0;
  std::uint32_t missing = kNone;  // Its place in Pending::missing.
  ClockList structs;
};

class StructStore {
 public:
  Client& operator[](ClientIx ix) noexcept { return clients_[ix]; }
  const Client& operator[](ClientIx ix) const noexcept { return clients_[ix]; }
  std::size_t size() const noexcept { return clients_.size(); }

  // The index of a client id, given on first sight. A client without structs is invisible from
  // outside.
  ClientIx intern(std::uint64_t client_id);
  ClientIx find(std::uint64_t client_id) const noexcept;
  // Forgets the clients from `size` on; none may have structs.
  void truncate(std::size_t size);
  // All clients, highest id first: the order of everything Yjs writes. Some may have no structs.
  const std::vector<ClientIx>& by_id_descending() const;

  // The item (or GC) that holds `id`; the store must reach beyond it.
  ItemIx item_at(Id id) const noexcept {
    const ClockList& structs = clients_[id.client].structs;
    return structs[structs.find(id.clock)].item;
  }

 private:
  void rebuild(std::size_t slots);
  static std::size_t slot_of(std::uint64_t client_id, std::size_t mask) noexcept {
    return static_cast<std::size_t>((client_id * 0x9E3779B97F4A7C15ULL) >> 20U) & mask;
  }
  std::vector<Client> clients_;
  std::vector<ClientIx> slots_;
  mutable ClientIx last_found_ = kNone;
  mutable std::vector<ClientIx> descending_;
  mutable std::size_t descending_of_ = 0;  // How many clients `descending_` was made from.
};

}  // namespace diaryx::crdt
