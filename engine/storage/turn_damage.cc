#include "engine/storage/turn_damage.h"

#include <algorithm>
#include <optional>

#include "engine/storage/packed.h"

namespace diaryx::storage {
namespace {

// Five numbers of at most nine octets, and the sum.
constexpr std::size_t kMostHead = 49;

struct Found {
  PackedUpdate entry;
  std::size_t size;  // Octets, with its numbers.
};

std::optional<Found> entry_at(Bytes octets) {
  Unpacker entries(octets);
  const auto entry = entries.next();
  if (!entry) return std::nullopt;
  const auto end = static_cast<std::size_t>(entry->data.data() - octets.data());
  return Found{*entry, end + entry->data.size()};
}

using IsDocument = std::function<bool(std::int64_t)>;

// `octets` are one entry and nothing else.
std::optional<std::int64_t> owner_of(Bytes octets, const IsDocument& is_document) {
  const auto owner = [&](Bytes from, bool good) -> std::optional<std::int64_t> {
    const auto found = entry_at(from);
    const bool fits = found && found->size == from.size() && (found->entry.good || !good);
    return fits && is_document(found->entry.doc) ? std::optional(found->entry.doc) : std::nullopt;
  };
  Buffer mended(octets.begin(), octets.end());
  for (std::size_t bit = 0; bit < 8 * std::min(kMostHead, mended.size()); ++bit) {
    std::uint8_t& octet = mended[bit / 8];
    const std::uint8_t was = octet;
    octet = static_cast<std::uint8_t>(octet ^ (1U << bit % 8));
    if (const auto id = owner(mended, true)) return id;
    octet = was;
  }
  return owner(octets, false);
}

}  // namespace

TurnOwners owners_of(Bytes row, const IsDocument& is_document) {
  TurnOwners owners;
  owners.all = !row.empty();  // There are no empty turns.
  const auto is_sound = [&](const std::optional<Found>& found) {
    return found && found->entry.good && is_document(found->entry.doc);
  };
  for (std::size_t at = 0; at < row.size();) {
    std::size_t end = at;
    std::optional<std::int64_t> owner;
    if (const auto found = entry_at(row.subspan(at)); is_sound(found)) {
      end = at + found->size;
      owner = found->entry.doc;
    } else {
      do {
        ++end;
      } while (end < row.size() && !is_sound(entry_at(row.subspan(end))));
      owner = owner_of(row.subspan(at, end - at), is_document);
    }
    if (owner) owners.docs.insert(*owner);
    owners.all = owners.all && owner;
    at = end;
  }
  return owners;
}

}  // namespace diaryx::storage
