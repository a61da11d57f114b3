// Documents in the store: snapshot and log.
#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include "engine/storage/checksum.h"
#include "engine/storage/own_rows.h"
#include "engine/storage/packed.h"
#include "engine/storage/store.h"
#include "engine/storage/store_impl.h"

namespace diaryx::storage {
namespace {

// So many documents are kept in mind.
constexpr std::size_t kMostAppended = 4096;
// What is appended at one go becomes a turn (packed.h) if it is of so many documents, and small.
constexpr std::size_t kFewestDocs = 8;
constexpr std::size_t kMostOctetsEach = 4U << 10U;
constexpr std::size_t kMostOctets = 256U << 10U;

Status check_name(std::string_view name) {
  if (name.empty()) return Error{ErrorCode::InvalidArgument, "store: empty document name"};
  if (name.find('\0') != std::string_view::npos) {
    return Error{ErrorCode::InvalidArgument, "store: NUL in a document name"};
  }
  return {};
}

Result<std::optional<DocRow>> find(Database& db, TurnLog& turns, std::string_view name) {
  DX_TRY_OK(turns.refresh(db));
  Query q = db.query(
      "SELECT id, max(seq_floor, coalesce((SELECT max(seq) FROM updates WHERE doc = documents.id), "
      "0))"
      " FROM documents WHERE name = ?1");
  DX_TRY(const bool found, q.bind_text(1, name).step());
  if (!found) return std::optional<DocRow>();
  DocRow row{q.integer(0), q.integer(1)};
  DX_TRY_OK(turns.check(db, row.id));
  if (const auto* waiting = turns.waiting(row.id))
    row.last_seq = std::max(row.last_seq, waiting->last_seq);
  return std::optional<DocRow>(row);
}

Result<DocRow> find_or_add(Database& db, TurnLog& turns, std::string_view name) {
  DX_TRY(const std::optional<DocRow> found, find(db, turns, name));
  if (found) return *found;
  DX_TRY_OK(check_name(name));
  Query q = db.query("INSERT INTO documents (name, seq_floor) VALUES (?1, 0) RETURNING id");
  DX_TRY(const bool row, q.bind_text(1, name).step());
  DX_CHECK(row);
  const std::int64_t id = q.integer(0);
  DX_TRY(const bool more, q.step());  // To its end: only then is it written.
  DX_CHECK(!more);
  return DocRow{id, 0};
}

Error damaged(const Database& db, std::string_view doc, std::string_view what) {
  return Error{ErrorCode::Corrupt, fmt::format("{}: document \"{}\": {}", db.name(), doc, what),
               kRepairHint};
}

bool is_digest_of(Bytes stored, Bytes bytes) {
  const Sha256 digest = sha256(bytes);
  return as_text(stored) == as_text(digest);
}

// What the snapshot covers; 0 without one.
Result<std::int64_t> visit_snapshot(Database& db, const DocRow& row, std::string_view doc,
                                    const std::function<Status(Bytes state)>& visitor) {
  Query q = db.query(
      "SELECT s.covers_seq, s.sha256, t.state FROM snapshots s LEFT JOIN snapshot_states t ON "
      "t.doc = s.doc"
      " WHERE s.doc = ?1");
  DX_TRY(const bool found, q.bind_int(1, row.id).step());
  if (!found) return std::int64_t{0};
  const Bytes state = q.blob(2);
  if (!is_digest_of(q.blob(1), state))
    return damaged(db, doc, "the snapshot is not what was written");
  const std::int64_t covers_seq = q.integer(0);
  DX_TRY_OK(visitor(state));
  return covers_seq;
}

// Those after `after` in a packed row of one document, whose sum has been looked at.
template <class Visitor>
Status visit_packed(const Database& db, const DocRow& row, std::int64_t after, std::string_view doc,
                    Bytes octets, Visitor& visitor) {
  Unpacker entries(octets, Unpacker::Sums::Skipped);
  while (const auto entry = entries.next()) {
    if (!entry->good || entry->doc != row.id)
      return damaged(db, doc, fmt::format("update {} is not what was written", entry->seq));
    if (entry->seq <= after) continue;
    DX_TRY_OK(
        visitor(entry->seq, entry->data, static_cast<UpdateOrigin>(entry->origin), entry->time_ms));
  }
  if (entries.cut()) return damaged(db, doc, "packed updates are not what was written");
  return {};
}

template <class Visitor>
Status visit_updates(Database& db, const TurnLog& turns, const DocRow& row, std::int64_t after,
                     std::string_view doc, Visitor&& visitor) {
  Query q = db.query(
      "SELECT seq, time_ms, origin, crc, data FROM updates WHERE doc = ?1 AND seq > ?2 ORDER BY "
      "seq");
  q.bind_int(1, row.id).bind_int(2, after);
  for (;;) {
    DX_TRY(const bool more, q.step());
    if (!more) break;
    const std::int64_t seq = q.integer(0);
    const std::int64_t time_ms = q.integer(1);
    const std::int64_t origin = q.integer(2);
    const Bytes data = q.blob(4);
    const bool packed = origin == kPackedOrigin;
    if (q.integer(3) != update_row_crc(row.id, seq, time_ms, origin, data) || origin < 0 ||
        (origin > static_cast<std::int64_t>(UpdateOrigin::Import) && !packed)) {
      return damaged(db, doc, fmt::format("update {} is not what was written", seq));
    }
    if (packed) {
      DX_TRY_OK(visit_packed(db, row, after, doc, data, visitor));
    } else {
      DX_TRY_OK(visitor(seq, data, static_cast<UpdateOrigin>(origin), time_ms));
    }
  }
  const auto* waiting = turns.waiting(row.id);
  return waiting == nullptr ? Status()
                            : visit_packed(db, row, after, doc, waiting->entries, visitor);
}

// The first text that is greater than every text that starts with `prefix`.
std::string end_of_prefix(std::string_view prefix) {
  std::string end(prefix);
  while (!end.empty() && static_cast<unsigned char>(end.back()) == 0xFF) end.pop_back();
  // All texts are smaller than the octet 0xFF, which no UTF-8 contains.
  if (end.empty()) return "\xFF";
  end.back() = static_cast<char>(static_cast<unsigned char>(end.back()) + 1);
  return end;
}

// Of few documents, or large, it is as cheap in their own rows.
bool is_a_turn(std::span<const NewUpdate> updates) {
  if (updates.size() < kFewestDocs) return false;
  std::size_t octets = 0;
  std::size_t docs = 0;
  const std::string* last = nullptr;
  for (const NewUpdate& update : updates) {
    if (update.time_ms < 0 || update.data.size() > kMostOctetsEach) return false;
    octets += update.data.size();
    // Those of one document that do not follow each other are counted more than once: harmless.
    if (last == nullptr || *last != update.doc) ++docs;
    last = &update.doc;
  }
  return docs >= kFewestDocs && octets <= kMostOctets;
}

}  // namespace

Status Store::append(std::span<const NewUpdate> updates) {
  if (updates.empty()) return {};
  for (const NewUpdate& update : updates) DX_TRY_OK(check_name(update.doc));
  return impl_->within(Impl::Kind::Write, [&]() -> Status {
    Database& db = impl_->db;
    TurnLog& turns = impl_->turns;
    DX_TRY_OK(turns.refresh(db));
    const bool as_turn = is_a_turn(updates);
    for (std::size_t next = 0, count = 0; next < updates.size(); next += count) {
      const NewUpdate& update = updates[next];
      count = as_turn ? 1 : row_length(updates.subspan(next));
      auto known = impl_->appended.find(update.doc);
      if (known == impl_->appended.end()) {
        if (impl_->appended.size() >= kMostAppended) impl_->appended.clear();
        DX_TRY(const DocRow found, find_or_add(db, turns, update.doc));
        known = impl_->appended.emplace(update.doc, found).first;
      }
      DocRow& row = known->second;
      if (std::numeric_limits<std::int64_t>::max() - row.last_seq <
          static_cast<std::int64_t>(count)) {
        return damaged(db, update.doc, "its numbers are used up");
      }
      const std::int64_t seq = row.last_seq + 1;
      row.last_seq += static_cast<std::int64_t>(count);
      if (as_turn) {
        turns.add(
            {row.id, seq, update.time_ms, static_cast<std::int64_t>(update.origin), update.data});
        continue;
      }
      DX_TRY_OK(turns.move_out(db, row.id));
      DX_TRY_OK(append_row(db, row.id, seq, updates.subspan(next, count)));
    }
    if (as_turn) DX_TRY_OK(turns.end_turn(db, updates.front().time_ms));
    return turns.move_some(db);
  });
}

Result<StoredDoc> Store::load(std::string_view doc) {
  // In one transaction: a fold between the two reads would take away what neither of them saw.
  return impl_->within(Impl::Kind::Read, [&]() -> Result<StoredDoc> {
    StoredDoc stored;
    DX_TRY(const std::optional<DocRow> row, find(impl_->db, impl_->turns, doc));
    if (!row) return stored;
    DX_TRY(const std::int64_t after, visit_snapshot(impl_->db, *row, doc, [&](Bytes state) {
             stored.snapshot = Snapshot{0, to_buffer(state)};
             return Status();
           }));
    if (stored.snapshot) stored.snapshot->covers_seq = after;
    DX_TRY_OK(
        visit_updates(impl_->db, impl_->turns, *row, after, doc,
                      [&](std::int64_t seq, Bytes data, UpdateOrigin origin, std::int64_t time_ms) {
                        stored.updates.push_back({seq, to_buffer(data), origin, time_ms});
                        return Status();
                      }));
    return stored;
  });
}

Status Store::visit(std::string_view doc, const std::function<Status(Bytes state)>& snapshot,
                    const std::function<Status(const UpdateView&)>& update) {
  return impl_->within(Impl::Kind::Read, [&]() -> Status {
    DX_TRY(const std::optional<DocRow> row, find(impl_->db, impl_->turns, doc));
    if (!row) return {};
    DX_TRY(const std::int64_t after, visit_snapshot(impl_->db, *row, doc, snapshot));
    return visit_updates(impl_->db, impl_->turns, *row, after, doc,
                         [&](std::int64_t seq, Bytes data, UpdateOrigin, std::int64_t) {
                           return update({seq, data});
                         });
  });
}

Result<bool> Store::exists(std::string_view doc) {
  return impl_->within(Impl::Kind::Read, [&]() -> Result<bool> {
    DX_TRY(const std::optional<DocRow> row, find(impl_->db, impl_->turns, doc));
    return row.has_value();
  });
}

Result<std::vector<DocStat>> Store::list_docs(std::string_view prefix) {
  return impl_->within(Impl::Kind::Read, [&]() -> Result<std::vector<DocStat>> {
    std::vector<DocStat> docs;
    DX_TRY_OK(impl_->turns.refresh(impl_->db));
    // length() of a blob reads the row's head only. What a snapshot covers is not in the log.
    Query q = impl_->db.query(
        "SELECT d.name, max(d.seq_floor, coalesce(max(u.seq), 0)), count(u.seq), "
        "coalesce(sum(length(u.data)), 0),"
        "  coalesce(s.size, 0), d.id"
        " FROM documents d LEFT JOIN snapshots s ON s.doc = d.id"
        " LEFT JOIN updates u ON u.doc = d.id"
        " WHERE d.name >= ?1 AND d.name < ?2 GROUP BY d.name ORDER BY d.name");
    const std::string end = end_of_prefix(prefix);
    q.bind_text(1, prefix).bind_text(2, end);
    for (;;) {
      DX_TRY(const bool more, q.step());
      if (!more) return docs;
      docs.push_back(
          {std::string(q.text(0)), q.integer(1), static_cast<std::uint64_t>(q.integer(2)),
           static_cast<std::uint64_t>(q.integer(3)), static_cast<std::uint64_t>(q.integer(4))});
      const auto* waiting = impl_->turns.waiting(q.integer(5));
      if (waiting == nullptr) continue;
      docs.back().last_seq = std::max(docs.back().last_seq, waiting->last_seq);
      docs.back().log_rows += waiting->count;
      docs.back().log_bytes += waiting->entries.size();
    }
  });
}

Result<std::vector<std::string>> Store::doc_names(std::string_view prefix) {
  return impl_->within(Impl::Kind::Read, [&]() -> Result<std::vector<std::string>> {
    std::vector<std::string> names;
    Query q =
        impl_->db.query("SELECT name FROM documents WHERE name >= ?1 AND name < ?2 ORDER BY name");
    const std::string end = end_of_prefix(prefix);
    q.bind_text(1, prefix).bind_text(2, end);
    for (;;) {
      DX_TRY(const bool more, q.step());
      if (!more) return names;
      names.emplace_back(q.text(0));
    }
  });
}

Result<std::int64_t> Store::last_seq(std::string_view doc) {
  return impl_->within(Impl::Kind::Read, [&]() -> Result<std::int64_t> {
    DX_TRY(const std::optional<DocRow> row, find(impl_->db, impl_->turns, doc));
    return row ? row->last_seq : 0;
  });
}

Status Store::fold(std::string_view doc, const Snapshot& snapshot) {
  DX_TRY_OK(check_name(doc));
  if (snapshot.covers_seq < 0)
    return Error{ErrorCode::InvalidArgument, "store: a snapshot covers a negative number"};
  impl_->appended.clear();
  return impl_->within(Impl::Kind::Write, [&]() -> Status {
    Database& db = impl_->db;
    DX_TRY(const std::optional<DocRow> found, find(db, impl_->turns, doc));
    if (found) {
      Query q = db.query("SELECT covers_seq FROM snapshots WHERE doc = ?1");
      DX_TRY(const bool has_snapshot, q.bind_int(1, found->id).step());
      if (has_snapshot && q.integer(0) > snapshot.covers_seq) {
        // The updates between the two are gone from the log: only the newer snapshot has them.
        return Error{
            ErrorCode::Conflict,
            fmt::format("document \"{}\": its snapshot covers update {}, the new one only {}", doc,
                        q.integer(0), snapshot.covers_seq)};
      }
    }
    DX_TRY(const DocRow row, find_or_add(db, impl_->turns, doc));
    const Sha256 digest = sha256(snapshot.state);
    Query put = db.query(
        "INSERT INTO snapshots (doc, covers_seq, size, sha256) VALUES (?1, ?2, ?3, ?4)"
        " ON CONFLICT (doc) DO UPDATE SET covers_seq = ?2, size = ?3, sha256 = ?4");
    put.bind_int(1, row.id).bind_int(2, snapshot.covers_seq).bind_blob(4, digest);
    DX_TRY_OK(put.bind_int(3, static_cast<std::int64_t>(snapshot.state.size())).run());
    Query state = db.query(
        "INSERT INTO snapshot_states (doc, state) VALUES (?1, ?2) ON CONFLICT (doc) DO UPDATE SET "
        "state = ?2");
    DX_TRY_OK(state.bind_int(1, row.id).bind_blob(2, snapshot.state).run());
    Query raise = db.query("UPDATE documents SET seq_floor = max(seq_floor, ?2) WHERE id = ?1");
    DX_TRY_OK(raise.bind_int(1, row.id).bind_int(2, snapshot.covers_seq).run());
    impl_->turns.covered(row.id, snapshot.covers_seq);
    Query trim = db.query("DELETE FROM updates WHERE doc = ?1 AND seq <= ?2");
    return trim.bind_int(1, row.id).bind_int(2, snapshot.covers_seq).run();
  });
}

Status Store::rename_doc(std::string_view from, std::string_view to) {
  DX_TRY_OK(check_name(to));
  impl_->appended.clear();
  return impl_->within(Impl::Kind::Write, [&]() -> Status {
    DX_TRY(const std::optional<DocRow> row, find(impl_->db, impl_->turns, from));
    if (!row)
      return Error{ErrorCode::NotFound, fmt::format("document \"{}\": not in the store", from)};
    if (from == to) return {};
    DX_TRY(const std::optional<DocRow> taken, find(impl_->db, impl_->turns, to));
    if (taken)
      return Error{ErrorCode::AlreadyExists,
                   fmt::format("document \"{}\": already in the store", to)};
    Query q = impl_->db.query("UPDATE documents SET name = ?2 WHERE id = ?1");
    return q.bind_int(1, row->id).bind_text(2, to).run();
  });
}

Status Store::remove_doc(std::string_view doc) {
  impl_->appended.clear();
  return impl_->within(Impl::Kind::Write, [&]() -> Status {
    Database& db = impl_->db;
    DX_TRY(const std::optional<DocRow> row, find(db, impl_->turns, doc));
    if (!row) return {};
    // Its number may be given to another document, which must find nothing of it among the turns.
    if (impl_->turns.has_turns()) DX_TRY_OK(impl_->turns.move_all(db));
    if (impl_->turns.is_damaged())
      return damaged(db, doc, "cannot be removed while a turn is not what was written");
    DX_TRY_OK(db.query("DELETE FROM updates WHERE doc = ?1").bind_int(1, row->id).run());
    DX_TRY_OK(db.query("DELETE FROM snapshots WHERE doc = ?1").bind_int(1, row->id).run());
    DX_TRY_OK(db.query("DELETE FROM snapshot_states WHERE doc = ?1").bind_int(1, row->id).run());
    return db.query("DELETE FROM documents WHERE id = ?1").bind_int(1, row->id).run();
  });
}

}  // namespace diaryx::storage
