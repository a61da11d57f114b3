// Who owns which clock: the clients, each with its structs in clock order.
#pragma once

#include <vector>

#include "engine/base/keyed_hash.h"
#include "engine/crdt/structs/clock_list.h"
#include "engine/crdt/structs/var_uint.h"

namespace diaryx::crdt {

struct Client {
  std::uint64_t id = 0;
  // The same as a number on the wire: its octets, and how many there are.
  std::uint8_t wire[WireWriter::kMaxVar] = {};
  std::uint8_t wire_size = 0;
  Clock state = 0;  // The next clock.
  // What `state` was when the running transaction began, if it is the transaction of that number.
  Clock before = 0;
  std::uint64_t before_transaction = 0;
  std::uint32_t missing = kNone;  // Its place in Pending::missing.

  std::uint64_t wire_word() const noexcept {
    std::uint64_t word = 0;
    std::memcpy(&word, wire, sizeof word);
    return word;
  }
  ClockList structs;
};

// Writes its id; overwrites eight octets, as put_var_uint() does.
inline std::uint8_t* put_client(std::uint8_t* to, const Client& client) noexcept {
  std::memcpy(to, client.wire, sizeof client.wire);
  return to + client.wire_size;
}

// Does an id, as on the wire, stand at `at`: the first `size` octets of `wire`? Eight octets must
// be readable there.
inline bool is_client_at(const std::uint8_t* at, std::uint64_t wire, unsigned size) noexcept {
  if constexpr (std::endian::native == std::endian::little) {
    std::uint64_t there = 0;
    std::memcpy(&there, at, sizeof there);
    return (there ^ wire) << (64U - 8U * size) == 0;
  } else {
    return std::memcmp(at, &wire, size) == 0;
  }
}

// Reads a client's id. Is it this one's?
inline bool read_same_client(WireReader& in, const Client& client) noexcept {
  if (in.remaining() >= 8 && is_client_at(in.cursor(), client.wire_word(), client.wire_size)) {
    in.skip_unchecked(client.wire_size);
    return true;
  }
  return in.var_uint() == client.id;
}

class StructStore {
 public:
  Client& operator[](ClientIx ix) noexcept { return clients_[ix]; }
  const Client& operator[](ClientIx ix) const noexcept { return clients_[ix]; }
  std::size_t size() const noexcept { return clients_.size(); }

  // The index of a client id, given on first sight. A client without structs is invisible from
  // outside.
  ClientIx intern(std::uint64_t client_id);
  ClientIx find(std::uint64_t client_id) const noexcept;
  // Reads a client's id, mostly that of the one that was looked for last.
  ClientIx find(WireReader& in) const noexcept {
    if (last_found_ != kNone && in.remaining() >= 8) {
      const Client& last = clients_[last_found_];
      if (is_client_at(in.cursor(), last.wire_word(), last.wire_size)) {
        in.skip_unchecked(last.wire_size);
        return last_found_;
      }
    }
    return find(in.var_uint());
  }
  // Forgets the clients from `size` on; none may have structs. Costs as much as there are to
  // forget.
  void truncate(std::size_t size);
  // All clients, highest id first: the order of everything Yjs writes. Some may have no structs.
  const std::vector<ClientIx>& by_id_descending() const;

  // The item (or GC) that holds `id`; the store must reach beyond it.
  ItemIx item_at(Id id) const noexcept {
    const ClockList& structs = clients_[id.client].structs;
    return structs.item(structs.find(id.clock));
  }

 private:
  void rebuild(std::size_t slots);
  std::size_t first_slot(std::uint64_t client_id) const noexcept {
    return static_cast<std::size_t>(keyed_hash(client_id)) & (slots_.size() - 1);
  }
  std::size_t free_slot(std::uint64_t client_id) const noexcept;
  std::vector<Client> clients_;
  std::vector<ClientIx> slots_;
  mutable ClientIx last_found_ = kNone;
  mutable std::vector<ClientIx> descending_;
  mutable std::size_t descending_of_ = 0;  // How many clients `descending_` was made from.
};

}  // namespace diaryx::crdt
