#include "engine/storage/turn_log.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "engine/base/check.h"
#include "engine/storage/checksum.h"
#include "engine/storage/own_rows.h"

namespace diaryx::storage {
namespace {

// From here on turns are moved out. What they hold is in memory as well.
constexpr std::size_t kManyOctets = 4U << 20U;
// So many documents at a time, or such a part of them: a move is done after at most so many turns.
constexpr std::size_t kDocsAtATime = 16;
constexpr std::size_t kParts = 64;

Error damaged_turn(const Database& db, std::int64_t turn) {
  return Error{ErrorCode::Corrupt,
               fmt::format("{}: turn {} is not what was written", db.name(), turn), kRepairHint};
}

// Up to and including which number a document's own rows hold everything; nothing if there is no
// such document.
Result<std::optional<std::int64_t>> last_of_own(Database& db, std::int64_t doc) {
  Query q = db.query(
      "SELECT max(seq_floor, coalesce((SELECT max(seq) FROM updates WHERE doc = ?1), 0))"
      " FROM documents WHERE id = ?1");
  DX_TRY(const bool found, q.bind_int(1, doc).step());
  return found ? std::optional(q.integer(0)) : std::nullopt;
}

}  // namespace

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
  last_turn_ = moving_to_ = 0;
  octets_ = 0;
  std::unordered_map<std::int64_t, std::int64_t> own;
  Query q =
      db.query("SELECT seq, time_ms, origin, crc, data FROM updates WHERE doc = 0 ORDER BY seq");
  for (;;) {
    DX_TRY(const bool more, q.step());
    if (!more) return {};
    last_turn_ = q.integer(0);
    const Bytes row = q.blob(4);
    octets_ += row.size();
    if (q.integer(2) != kPackedOrigin ||
        q.integer(3) != update_row_crc(kTurns, last_turn_, q.integer(1), kPackedOrigin, row))
      return damaged_turn(db, last_turn_);
    Unpacker entries(row);
    while (const auto entry = entries.next()) {
      auto known = own.find(entry->doc);
      if (known == own.end()) {
        DX_TRY(const auto last, last_of_own(db, entry->doc));
        if (!last) return damaged_turn(db, last_turn_);
        known = own.emplace(entry->doc, *last).first;
      }
      if (!entry->good) return damaged_turn(db, last_turn_);
      if (entry->seq > known->second) add(*entry);
    }
    if (entries.cut()) return damaged_turn(db, last_turn_);
    turn_.clear();
  }
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
  while (!waiting_.empty()) DX_TRY_OK(move_out(db, waiting_.begin()->first));
  DX_TRY_OK(db.query("DELETE FROM updates WHERE doc = 0").run());
  moving_.clear();
  moving_to_ = 0;
  octets_ = 0;
  return {};
}

}  // namespace diaryx::storage
