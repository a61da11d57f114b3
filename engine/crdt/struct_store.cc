#include "engine/crdt/struct_store.h"

#include <algorithm>

namespace diaryx::crdt {

ClockList::Place ClockList::find(Clock clock) const noexcept {
  std::uint32_t block = hint_.block;
  const bool hint_fits = block < blocks_.size() && firsts_[block] <= clock &&
                         (block + 1 == blocks_.size() || clock < firsts_[block + 1]);
  if (!hint_fits) {
    const auto after = std::upper_bound(firsts_.begin(), firsts_.end(), clock);
    DX_CHECK(after != firsts_.begin());
    block = static_cast<std::uint32_t>(after - firsts_.begin() - 1);
    hint_ = {block, 0};
  }
  const std::vector<Entry>& entries = blocks_[block];
  const auto size = static_cast<std::uint32_t>(entries.size());
  const auto holds = [&](std::uint32_t at) {
    return entries[at].clock <= clock && (at + 1 == size || clock < entries[at + 1].clock);
  };
  if (hint_.at < size && holds(hint_.at)) return hint_;
  if (holds(size - 1)) {
    hint_ = {block, size - 1};
    return hint_;
  }
  std::uint32_t low = 0;
  std::uint32_t count = size;
  while (count > 1) {
    const std::uint32_t half = count / 2;
    low = entries[low + half].clock <= clock ? low + half : low;
    count -= half;
  }
  hint_ = {block, low};
  return hint_;
}

std::size_t ClockList::count_from(Place place) const noexcept {
  std::size_t count = blocks_[place.block].size() - place.at;
  for (std::size_t i = place.block + 1; i < blocks_.size(); ++i) count += blocks_[i].size();
  return count;
}

void ClockList::append(Entry entry) {
  if (blocks_.empty() || blocks_.back().size() >= kBlock) {
    blocks_.emplace_back();
    if (blocks_.size() > 1) blocks_.back().reserve(kBlock);
    firsts_.push_back(entry.clock);
  }
  blocks_.back().push_back(entry);
  ++count_;
}

void ClockList::insert_after(Place place, Entry entry) {
  ++count_;
  std::vector<Entry>& entries = blocks_[place.block];
  if (entries.size() < kBlock) {
    entries.insert(entries.begin() + place.at + 1, entry);
    return;
  }
  constexpr auto kHalf = static_cast<std::ptrdiff_t>(kBlock / 2);
  std::vector<Entry> upper;
  upper.reserve(kBlock);
  upper.assign(entries.begin() + kHalf, entries.end());
  entries.resize(kBlock / 2);
  if (place.at < kBlock / 2) {
    entries.insert(entries.begin() + place.at + 1, entry);
  } else {
    upper.insert(upper.begin() + (static_cast<std::ptrdiff_t>(place.at) - kHalf) + 1, entry);
  }
  firsts_.insert(firsts_.begin() + place.block + 1, upper.front().clock);
  blocks_.insert(blocks_.begin() + place.block + 1, std::move(upper));
}

void ClockList::erase(Place place) {
  --count_;
  std::vector<Entry>& entries = blocks_[place.block];
  entries.erase(entries.begin() + place.at);
  if (entries.empty()) {
    blocks_.erase(blocks_.begin() + place.block);
    firsts_.erase(firsts_.begin() + place.block);
  } else if (place.at == 0) {
    firsts_[place.block] = entries.front().clock;
  }
}

ClientIx StructStore::find(std::uint64_t client_id) const noexcept {
  if (last_found_ != kNone && clients_[last_found_].id == client_id) return last_found_;
  if (slots_.empty()) return kNone;
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t at = slot_of(client_id, mask);; at = (at + 1) & mask) {
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
  clients_.back().id = client_id;
  if ((clients_.size() + 1) * 3 > slots_.size() * 2) {
    rebuild(slots_.empty() ? 8 : slots_.size() * 2);
  } else {
    const std::size_t mask = slots_.size() - 1;
    std::size_t at = slot_of(client_id, mask);
    while (slots_[at] != kNone) at = (at + 1) & mask;
    slots_[at] = ix;
  }
  return ix;
}

void StructStore::rebuild(std::size_t slots) {
  slots_.assign(slots, kNone);
  const std::size_t mask = slots - 1;
  for (std::size_t ix = 0; ix < clients_.size(); ++ix) {
    std::size_t at = slot_of(clients_[ix].id, mask);
    while (slots_[at] != kNone) at = (at + 1) & mask;
    slots_[at] = static_cast<ClientIx>(ix);
  }
}

void StructStore::truncate(std::size_t size) {
  if (size == clients_.size()) return;
  clients_.resize(size);
  last_found_ = kNone;
  descending_of_ = 0;
  rebuild(slots_.size());
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
