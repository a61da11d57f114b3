#include "engine/crdt/structs/struct_store.h"

#include <algorithm>

namespace diaryx::crdt {

ClientIx StructStore::find(std::uint64_t client_id) const noexcept {
  if (last_found_ != kNone && clients_[last_found_].id == client_id) return last_found_;
  if (slots_.empty()) return kNone;
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t at = first_slot(client_id);; at = (at + 1) & mask) {
    const ClientIx ix = slots_[at];
    if (ix == kNone) return kNone;
    if (clients_[ix].id == client_id) {
      last_found_ = ix;
      return ix;
    }
  }
}

ClientIx StructStore::intern(std::uint64_t client_id) {
  if (const ClientIx known = find(client_id); known != kNone) return known;
  const auto ix = static_cast<ClientIx>(clients_.size());
  clients_.emplace_back();
  Client& client = clients_.back();
  client.id = client_id;
  client.wire_size = static_cast<std::uint8_t>(put_var_uint(client.wire, client_id) - client.wire);
  if ((clients_.size() + 1) * 3 > slots_.size() * 2) {
    rebuild(slots_.empty() ? 8 : slots_.size() * 2);
  } else {
    slots_[free_slot(client_id)] = ix;
  }
  return ix;
}

void StructStore::rebuild(std::size_t slots) {
  slots_.assign(slots, kNone);
  for (std::size_t ix = 0; ix < clients_.size(); ++ix)
    slots_[free_slot(clients_[ix].id)] = static_cast<ClientIx>(ix);
}

std::size_t StructStore::free_slot(std::uint64_t client_id) const noexcept {
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = first_slot(client_id);
  while (slots_[at] != kNone) at = (at + 1) & mask;
  return at;
}

void StructStore::truncate(std::size_t size) {
  if (size == clients_.size()) return;
  // The last one that came stands in nobody's way, so its slot can just be emptied.
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t ix = clients_.size(); ix > size; --ix) {
    std::size_t at = first_slot(clients_[ix - 1].id);
    while (slots_[at] != ix - 1) at = (at + 1) & mask;
    slots_[at] = kNone;
  }
  clients_.resize(size);
  last_found_ = kNone;
  descending_of_ = 0;
}

const std::vector<ClientIx>& StructStore::by_id_descending() const {
  if (descending_of_ != clients_.size()) {
    descending_.resize(clients_.size());
    for (std::size_t i = 0; i < clients_.size(); ++i) descending_[i] = static_cast<ClientIx>(i);
    std::sort(descending_.begin(), descending_.end(),
              [this](ClientIx a, ClientIx b) { return clients_[a].id > clients_[b].id; });
    descending_of_ = clients_.size();
  }
  return descending_;
}

}  // namespace diaryx::crdt
