#include "engine/storage/turn_log.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "engine/base/check.h"
#include "engine/storage/checksum.h"
#include "engine/storage/own_rows.h"
#include "engine/storage/store.h"
#include "engine/storage/turn_damage.h"

namespace diaryx::storage {
namespace {

// From here on turns are moved out. What they hold is in memory as well.
constexpr std::size_t kManyOctets = 4U << 20U;
// So many documents at a time, or such a part of them: a move is done after at most so many turns.
constexpr std::size_t kDocsAtATime = 16;
constexpr std::size_t kParts = 64;

bool is_update_origin(std::int64_t origin) {
  return origin >= 0 && origin <= static_cast<std::int64_t>(UpdateOrigin::Import);
}

}  // namespace

// Up to and including which number documents' own rows hold everything; each is looked up once.
class TurnLog::OwnRows {
 public:
  explicit OwnRows(Database& db) : db_(db) {}
  // Nothing if there is no such document.
  Result<std::optional<std::int64_t>> last(std::int64_t doc) {
    if (const auto known = last_.find(doc); known != last_.end()) return known->second;
    Query q = db_.query(
        "SELECT max(seq_floor, coalesce((SELECT max(seq) FROM updates WHERE doc = ?1), 0))"
        " FROM documents WHERE id = ?1");
    DX_TRY(const bool found, q.bind_int(1, doc).step());
    return last_.emplace(doc, found ? std::optional(q.integer(0)) : std::nullopt).first->second;
  }

 private:
  Database& db_;
  std::unordered_map<std::int64_t, std::optional<std::int64_t>> last_;
};

Result<bool> TurnLog::are_sound(Bytes row, OwnRows& own) {
  Unpacker entries(row);
  while (const auto entry = entries.next()) {
    DX_TRY(const auto last, own.last(entry->doc));
    if (!entry->good || !last) return false;
  }
  return !entries.cut();
}

Status TurnLog::refresh(Database& db) {
  DX_TRY(const std::int64_t version, db.number("PRAGMA data_version"));
  if (known_ && version == version_) return {};
  known_ = false;
  DX_TRY_OK(read(db));
  known_ = true;
  version_ = version;
  return {};
}

Status TurnLog::read(Database& db) {
  waiting_.clear();
  turn_.clear();
  moving_.clear();
  damaged_.clear();
  damaged_all_.reset();
  last_turn_ = moving_to_ = 0;
  octets_ = 0;
  OwnRows own(db);
  std::int64_t expected = 0;
  // From the first row of the table on, and not only those that say that they are turns: that may
  // be what is damaged.
  Query q = db.query("SELECT seq, time_ms, origin, crc, data, doc FROM updates ORDER BY doc, seq");
  for (;;) {
    DX_TRY(const bool more, q.step());
    if (!more) return {};
    const std::int64_t turn = q.integer(0);
    const std::int64_t origin = q.integer(2);
    const Bytes row = q.blob(4);
    if (const std::int64_t doc = q.integer(5); doc != kTurns) {
      const auto sum =
          static_cast<std::int64_t>(update_row_crc(doc, turn, q.integer(1), origin, row));
      if (q.integer(3) == sum) return {};  // Here begin the documents' own rows.
      DX_TRY(const auto last, own.last(doc));
      if (last && is_update_origin(origin)) return {};  // One of them; who wants it will be told.
      damaged_.emplace(doc, turn);
    }
    octets_ += row.size();
    last_turn_ = std::max(last_turn_, turn);
    bool sound = origin == kPackedOrigin &&
                 q.integer(3) == update_row_crc(kTurns, turn, q.integer(1), kPackedOrigin, row);
    if (sound) {
      DX_TRY(sound, are_sound(row, own));
    }
    if (!sound) {
      DX_TRY_OK(note_damage(row, turn, own));
      if (expected != 0) ++expected;  // Its number may be what is damaged.
      continue;
    }
    // They are numbered one after the other, and go from the first on.
    if (expected != 0 && turn != expected) damaged_all_ = turn;
    expected = turn + 1;
    Unpacker entries(row);
    while (const auto entry = entries.next()) {
      DX_TRY(const auto last, own.last(entry->doc));
      if (entry->seq > *last) add(*entry);
    }
    turn_.clear();
  }
}

Status TurnLog::note_damage(Bytes row, std::int64_t turn, OwnRows& own) {
  Status failed;
  const TurnOwners owners = owners_of(row, [&](std::int64_t doc) {
    const auto last = own.last(doc);
    if (!last) failed = last.error();
    return last && *last;
  });
  DX_TRY_OK(failed);
  if (!owners.all) damaged_all_ = turn;
  for (const std::int64_t doc : owners.docs) damaged_.emplace(doc, turn);
  return {};
}

Status TurnLog::check(const Database& db, std::int64_t doc) const {
  if (!is_damaged()) return {};
  const auto it = damaged_.find(doc);
  if (it == damaged_.end() && !damaged_all_) return {};
  return Error{ErrorCode::Corrupt,
               fmt::format("{}: turn {} is not what was written", db.name(),
                           it == damaged_.end() ? *damaged_all_ : it->second),
               kRepairHint};
}

const TurnLog::Waiting* TurnLog::waiting(std::int64_t doc) const {
  const auto it = waiting_.find(doc);
  return it == waiting_.end() ? nullptr : &it->second;
}

void TurnLog::covered(std::int64_t doc, std::int64_t seq) {
  if (const auto it = waiting_.find(doc); it != waiting_.end() && it->second.last_seq <= seq)
    waiting_.erase(it);
}

void TurnLog::add(const PackedUpdate& update) {
  const std::size_t begin = turn_.size();
  pack(turn_, update);
  Waiting& waiting = waiting_[update.doc];
  waiting.last_seq = update.seq;
  ++waiting.count;
  waiting.entries.insert(waiting.entries.end(), turn_.begin() + static_cast<std::ptrdiff_t>(begin),
                         turn_.end());
}

Status TurnLog::end_turn(Database& db, std::int64_t time_ms) {
  DX_CHECK(known_ && !turn_.empty());
  DX_TRY_OK(insert_packed(db, kTurns, ++last_turn_, time_ms, turn_));
  octets_ += turn_.size();
  turn_.clear();
  return {};
}

Status TurnLog::move_out(Database& db, std::int64_t doc) {
  DX_CHECK(known_);
  const auto it = waiting_.find(doc);
  if (it == waiting_.end()) return {};
  DX_TRY_OK(insert_packed(db, doc, it->second.last_seq, 0, it->second.entries));
  waiting_.erase(it);
  return {};
}

Status TurnLog::move_some(Database& db) {
  if (is_damaged()) return {};
  if (moving_to_ == 0) {
    if (octets_ < kManyOctets) return {};
    moving_to_ = last_turn_;
    moving_octets_ = octets_;
    for (const auto& [doc, waiting] : waiting_) moving_.push_back(doc);
    at_a_time_ = std::max(kDocsAtATime, moving_.size() / kParts + 1);
    // Neighbours in the database one after the other.
    std::sort(moving_.begin(), moving_.end(), std::greater<>());
  }
  for (std::size_t i = 0; i < at_a_time_ && !moving_.empty(); ++i) {
    DX_TRY_OK(move_out(db, moving_.back()));
    moving_.pop_back();
  }
  if (!moving_.empty()) return {};
  Query q = db.query("DELETE FROM updates WHERE doc = 0 AND seq <= ?1");
  DX_TRY_OK(q.bind_int(1, std::exchange(moving_to_, 0)).run());
  octets_ -= moving_octets_;
  return {};
}

Status TurnLog::move_all(Database& db) {
  DX_CHECK(known_);
  if (is_damaged()) return {};
  while (!waiting_.empty()) DX_TRY_OK(move_out(db, waiting_.begin()->first));
  DX_TRY_OK(db.query("DELETE FROM updates WHERE doc = 0").run());
  moving_.clear();
  moving_to_ = 0;
  octets_ = 0;
  return {};
}

}  // namespace diaryx::storage
