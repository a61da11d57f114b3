#include "engine/storage/own_rows.h"

#include "engine/base/check.h"
#include "engine/storage/checksum.h"
#include "engine/storage/packed.h"

namespace diaryx::storage {
namespace {

// What is larger costs more octets than rows. A row of so many is a few pages.
constexpr std::size_t kMostOctetsEach = 4U << 10U;
constexpr std::size_t kMostOctets = 64U << 10U;

bool can_be_packed(const NewUpdate& update) noexcept {
  return update.time_ms >= 0 && update.data.size() <= kMostOctetsEach;
}

Status insert(Database& db, std::int64_t doc, std::int64_t seq, std::int64_t time_ms,
              std::int64_t origin, Bytes data) {
  Query q = db.query(
      "INSERT INTO updates (doc, seq, time_ms, origin, crc, data) VALUES (?1, ?2, ?3, ?4, ?5, ?6)");
  q.bind_int(1, doc).bind_int(2, seq).bind_int(3, time_ms).bind_int(4, origin);
  q.bind_int(5, update_row_crc(doc, seq, time_ms, origin, data)).bind_blob(6, data);
  return q.run();
}

}  // namespace

std::size_t row_length(std::span<const NewUpdate> updates) {
  DX_CHECK(!updates.empty());
  const NewUpdate& first = updates.front();
  if (!can_be_packed(first)) return 1;
  std::size_t octets = first.data.size();
  std::size_t count = 1;
  for (; count < updates.size(); ++count) {
    const NewUpdate& next = updates[count];
    octets += next.data.size();
    if (octets > kMostOctets || !can_be_packed(next) || next.doc != first.doc) break;
  }
  return count;
}

Status append_row(Database& db, std::int64_t doc, std::int64_t first_seq,
                  std::span<const NewUpdate> updates) {
  DX_CHECK(!updates.empty());
  const NewUpdate& first = updates.front();
  if (updates.size() == 1) {
    return insert(db, doc, first_seq, first.time_ms, static_cast<std::int64_t>(first.origin),
                  first.data);
  }
  Buffer entries;
  std::int64_t seq = first_seq;
  for (const NewUpdate& update : updates) {
    pack(entries,
         {doc, seq++, update.time_ms, static_cast<std::int64_t>(update.origin), update.data});
  }
  return insert_packed(db, doc, seq - 1, first.time_ms, entries);
}

Status insert_packed(Database& db, std::int64_t doc, std::int64_t seq, std::int64_t time_ms,
                     Bytes entries) {
  return insert(db, doc, seq, time_ms, kPackedOrigin, entries);
}

}  // namespace diaryx::storage
