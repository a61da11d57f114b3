// Store::verify(): everything that is stored, looked at once.
#include <algorithm>

#include <fmt/format.h>

#include "engine/storage/checksum.h"
#include "engine/storage/packed.h"
#include "engine/storage/store.h"
#include "engine/storage/store_impl.h"
#include "engine/storage/wal_check.h"

namespace diaryx::storage {
namespace {

using Faults = std::vector<std::string>;

bool is_digest_of(Bytes stored, Bytes bytes) {
  const Sha256 digest = sha256(bytes);
  return as_text(stored) == as_text(digest);
}

Status check_structure(Database& db, Faults& faults) {
  Query q = db.query("PRAGMA integrity_check");
  for (;;) {
    DX_TRY(const bool more, q.step());
    if (!more) return {};
    if (q.text(0) != "ok") faults.push_back(fmt::format("database: {}", q.text(0)));
  }
}

Status check_updates(Database& db, Faults& faults) {
  Query q = db.query(
      "SELECT d.name, u.doc, u.seq, u.time_ms, u.origin, u.crc, u.data FROM updates u JOIN "
      "documents d ON d.id = u.doc");
  for (;;) {
    DX_TRY(const bool more, q.step());
    if (!more) return {};
    const std::int64_t seq = q.integer(2);
    const std::uint32_t crc =
        update_row_crc(q.integer(1), seq, q.integer(3), q.integer(4), q.blob(6));
    if (q.integer(5) != crc) {
      faults.push_back(
          fmt::format("document \"{}\": update {} is not what was written", q.text(0), seq));
    }
  }
}

// Are all entries good, and of documents that there are (`doc`: of that one)?
Result<bool> good_entries(Database& db, std::int64_t doc, Bytes row) {
  Unpacker entries(row);
  while (const auto entry = entries.next()) {
    if (!entry->good || (doc != kTurns && entry->doc != doc)) return false;
    Query q = db.query("SELECT 1 FROM documents WHERE id = ?1");
    DX_TRY(const bool there, q.bind_int(1, entry->doc).step());
    if (!there) return false;
  }
  return !entries.cut();
}

Status check_packed(Database& db, Faults& faults) {
  Query q = db.query(
      "SELECT coalesce(d.name, ''), u.doc, u.seq, u.time_ms, u.crc, u.data, u.origin FROM updates u"
      " LEFT JOIN documents d ON d.id = u.doc WHERE u.origin = 255 OR u.doc = 0");
  for (;;) {
    DX_TRY(const bool more, q.step());
    if (!more) return {};
    const std::int64_t doc = q.integer(1);
    const std::int64_t seq = q.integer(2);
    DX_TRY(bool good, good_entries(db, doc, q.blob(5)));
    // The sums of documents' rows have been looked at.
    good = good && q.integer(6) == kPackedOrigin &&
           (doc != kTurns ||
            q.integer(4) == update_row_crc(doc, seq, q.integer(3), kPackedOrigin, q.blob(5)));
    if (good) continue;
    faults.push_back(doc == kTurns
                         ? fmt::format("turn {} is not what was written", seq)
                         : fmt::format("document \"{}\": the updates up to {} are not what was "
                                       "written",
                                       q.text(0), seq));
  }
}

// The rows of `sql` are: whose, the hash, the octets.
Status check_hashes(Database& db, const char* sql, std::string_view what, Faults& faults) {
  Query q = db.query(sql);
  for (;;) {
    DX_TRY(const bool more, q.step());
    if (!more) return {};
    if (q.is_null(2) || !is_digest_of(q.blob(1), q.blob(2))) {
      faults.push_back(fmt::format(fmt::runtime(what), q.text(0)));
    }
  }
}

Status check_none(Database& db, const char* sql, std::string_view what, Faults& faults) {
  DX_TRY(const std::int64_t count, db.number(sql));
  if (count != 0) faults.push_back(fmt::format("{}: {}", what, count));
  return {};
}

Status check_contents(Database& db, Faults& faults) {
  DX_TRY_OK(check_updates(db, faults));
  DX_TRY_OK(check_packed(db, faults));
  DX_TRY_OK(check_hashes(
      db,
      "SELECT d.name, s.sha256, t.state FROM snapshots s JOIN documents d ON d.id = s.doc"
      " LEFT JOIN snapshot_states t ON t.doc = s.doc",
      "document \"{}\": the snapshot is not what was written", faults));
  DX_TRY_OK(check_hashes(
      db,
      "SELECT l.file_id, l.base_hash, b.base FROM ledger l LEFT JOIN ledger_bases b ON b.id = l.id"
      " WHERE l.path <> '' OR b.id IS NOT NULL OR l.id NOT IN (SELECT id FROM ledger_pending)",
      "ledger of file \"{}\": the base is not what was written", faults));
  DX_TRY_OK(check_hashes(
      db, "SELECT l.file_id, p.sha256, p.text FROM ledger_pending p JOIN ledger l ON l.id = p.id",
      "ledger of file \"{}\": the pending text is not what was written", faults));
  DX_TRY_OK(check_none(
      db, "SELECT count(*) FROM updates WHERE doc <> 0 AND doc NOT IN (SELECT id FROM documents)",
      "updates without a document", faults));
  DX_TRY_OK(check_none(
      db,
      "SELECT count(*) FROM (SELECT doc FROM snapshots UNION SELECT doc FROM snapshot_states)"
      " WHERE doc NOT IN (SELECT id FROM documents)",
      "snapshots without a document", faults));
  return check_none(
      db,
      "SELECT count(*) FROM (SELECT id FROM ledger_bases UNION SELECT id FROM ledger_pending)"
      " WHERE id NOT IN (SELECT id FROM ledger)",
      "ledger texts without an entry", faults);
}

}  // namespace

Result<std::vector<std::string>> Store::verify(VerifyPart part) {
  Faults faults;
  if (part != VerifyPart::Contents && !impl_->in_memory) {
    DX_TRY(const auto wal, wal_fault_beside(impl_->db.name()));
    if (wal) faults.push_back(*wal);
  }
  Status done = impl_->within(Impl::Kind::Read, [&]() -> Status {
    if (part != VerifyPart::Contents) DX_TRY_OK(check_structure(impl_->db, faults));
    return part == VerifyPart::Structure ? Status{} : check_contents(impl_->db, faults);
  });
  if (!done) {
    if (done.error().code != ErrorCode::Corrupt) return std::move(done).error();
    // So damaged that it cannot be read to the end.
    faults.push_back(done.error().message);
  }
  return faults;
}

}  // namespace diaryx::storage
