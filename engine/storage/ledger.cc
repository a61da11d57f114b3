// The ledger in the store: what disk and documents last agreed on, file by file.
#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "engine/storage/store.h"
#include "engine/storage/store_impl.h"

namespace diaryx::storage {
namespace {

Error damaged(const Database& db, std::string_view file_id, std::string_view what) {
  return Error{ErrorCode::Corrupt,
               fmt::format("{}: ledger of file \"{}\": {}", db.name(), file_id, what), kRepairHint};
}

// False if the octets are no SHA-256.
bool read_digest(Bytes stored, Sha256& digest) {
  if (stored.size() != digest.size()) return false;
  std::copy(stored.begin(), stored.end(), digest.begin());
  return true;
}

Result<std::optional<std::int64_t>> find(Database& db, std::string_view file_id) {
  Query q = db.query("SELECT id FROM ledger WHERE file_id = ?1");
  DX_TRY(const bool found, q.bind_text(1, file_id).step());
  if (!found) return std::optional<std::int64_t>();
  return std::optional<std::int64_t>(q.integer(0));
}

Error no_entry(std::string_view file_id) {
  return Error{ErrorCode::NotFound, fmt::format("ledger: no entry for file \"{}\"", file_id)};
}

Status put_pending(Database& db, std::int64_t id, std::string_view path, std::string_view text) {
  const Sha256 digest = sha256(as_bytes(text));
  Query q = db.query(
      "INSERT INTO ledger_pending (id, path, sha256, text) VALUES (?1, ?2, ?3, ?4)"
      " ON CONFLICT (id) DO UPDATE SET path = ?2, sha256 = ?3, text = ?4");
  return q.bind_int(1, id)
      .bind_text(2, path)
      .bind_blob(3, digest)
      .bind_blob(4, as_bytes(text))
      .run();
}

// The row's id; the row is made or changed. Base and pending are not touched.
Result<std::int64_t> put_row(Database& db, const LedgerEntry& entry) {
  Query q = db.query(
      "INSERT INTO ledger (file_id, path, base_hash, size, mtime_ns, inode) VALUES (?1, ?2, ?3, "
      "?4, ?5, ?6)"
      " ON CONFLICT (file_id) DO UPDATE SET path = ?2, base_hash = ?3, size = ?4, mtime_ns = ?5, "
      "inode = ?6"
      " RETURNING id");
  q.bind_text(1, entry.file_id).bind_text(2, entry.path).bind_blob(3, entry.base_hash);
  q.bind_int(4, static_cast<std::int64_t>(entry.size)).bind_int(5, entry.mtime_ns);
  q.bind_int(6, static_cast<std::int64_t>(entry.inode));
  DX_TRY(const bool row, q.step());
  DX_CHECK(row);
  const std::int64_t id = q.integer(0);
  DX_TRY(const bool more, q.step());  // To its end: only then is it written.
  DX_CHECK(!more);
  return id;
}

}  // namespace

Result<std::optional<LedgerEntry>> Store::ledger(std::string_view file_id) {
  return impl_->within(Impl::Kind::Read, [&]() -> Result<std::optional<LedgerEntry>> {
    Database& db = impl_->db;
    Query q = db.query(
        "SELECT l.path, l.base_hash, l.size, l.mtime_ns, l.inode, b.base, p.path, p.sha256, "
        "p.text, p.id"
        " FROM ledger l LEFT JOIN ledger_bases b ON b.id = l.id LEFT JOIN ledger_pending p ON p.id "
        "= l.id"
        " WHERE l.file_id = ?1");
    DX_TRY(const bool found, q.bind_text(1, file_id).step());
    if (!found) return std::optional<LedgerEntry>();
    LedgerEntry entry;
    entry.file_id = file_id;
    entry.path = q.text(0);
    if (!read_digest(q.blob(1), entry.base_hash))
      return damaged(db, file_id, "its hash is no SHA-256");
    entry.size = static_cast<std::uint64_t>(q.integer(2));
    entry.mtime_ns = q.integer(3);
    entry.inode = static_cast<std::uint64_t>(q.integer(4));
    entry.base = as_text(q.blob(5));
    if (sha256(as_bytes(entry.base)) != entry.base_hash)
      return damaged(db, file_id, "the base is not what was written");
    if (!q.is_null(9)) {
      Sha256 digest{};
      entry.pending_path = q.text(6);
      entry.pending = std::string(as_text(q.blob(8)));
      if (!read_digest(q.blob(7), digest) || sha256(as_bytes(*entry.pending)) != digest) {
        return damaged(db, file_id, "the pending text is not what was written");
      }
    }
    return std::optional<LedgerEntry>(std::move(entry));
  });
}

Result<std::vector<LedgerStamp>> Store::ledger_stamps() {
  return impl_->within(Impl::Kind::Read, [&]() -> Result<std::vector<LedgerStamp>> {
    std::vector<LedgerStamp> stamps;
    // Few have something pending: to ask for each would take as long as all the rest.
    std::set<std::int64_t> pending;
    Query ids = impl_->db.query("SELECT id FROM ledger_pending");
    for (;;) {
      DX_TRY(const bool more, ids.step());
      if (!more) break;
      pending.insert(ids.integer(0));
    }
    Query q = impl_->db.query(
        "SELECT file_id, path, base_hash, size, mtime_ns, inode, id FROM ledger ORDER BY id");
    for (;;) {
      DX_TRY(const bool more, q.step());
      if (!more) return stamps;
      LedgerStamp& stamp = stamps.emplace_back();
      stamp.file_id = q.text(0);
      stamp.path = q.text(1);
      if (!read_digest(q.blob(2), stamp.base_hash))
        return damaged(impl_->db, stamp.file_id, "its hash is no SHA-256");
      stamp.size = static_cast<std::uint64_t>(q.integer(3));
      stamp.mtime_ns = q.integer(4);
      stamp.inode = static_cast<std::uint64_t>(q.integer(5));
      stamp.has_pending = pending.contains(q.integer(6));
    }
  });
}

Status Store::put_ledger(const LedgerEntry& entry) {
  if (entry.file_id.empty()) return Error{ErrorCode::InvalidArgument, "ledger: empty file id"};
  return impl_->within(Impl::Kind::Write, [&]() -> Status {
    Database& db = impl_->db;
    DX_TRY(const std::int64_t id, put_row(db, entry));
    Query base = db.query(
        "INSERT INTO ledger_bases (id, base) VALUES (?1, ?2) ON CONFLICT (id) DO UPDATE SET base = "
        "?2");
    DX_TRY_OK(base.bind_int(1, id).bind_blob(2, as_bytes(entry.base)).run());
    if (entry.pending) return put_pending(db, id, entry.pending_path, *entry.pending);
    return db.query("DELETE FROM ledger_pending WHERE id = ?1").bind_int(1, id).run();
  });
}

Status Store::put_ledger_stat(std::string_view file_id, std::uint64_t size, std::int64_t mtime_ns,
                              std::uint64_t inode) {
  return impl_->within(Impl::Kind::Write, [&]() -> Status {
    Query q = impl_->db.query(
        "UPDATE ledger SET size = ?2, mtime_ns = ?3, inode = ?4 WHERE file_id = ?1");
    q.bind_text(1, file_id).bind_int(2, static_cast<std::int64_t>(size)).bind_int(3, mtime_ns);
    DX_TRY_OK(q.bind_int(4, static_cast<std::int64_t>(inode)).run());
    if (impl_->db.changes() == 0) return no_entry(file_id);
    return {};
  });
}

Status Store::set_ledger_pending(std::string_view file_id, std::string_view pending_path,
                                 std::string_view pending) {
  if (file_id.empty()) return Error{ErrorCode::InvalidArgument, "ledger: empty file id"};
  return impl_->within(Impl::Kind::Write, [&]() -> Status {
    DX_TRY(std::optional<std::int64_t> id, find(impl_->db, file_id));
    if (!id) {
      LedgerEntry fresh;
      fresh.file_id = file_id;
      fresh.base_hash = sha256({});
      DX_TRY(id, put_row(impl_->db, fresh));
    }
    return put_pending(impl_->db, *id, pending_path, pending);
  });
}

Status Store::clear_ledger_pending(std::string_view file_id) {
  return impl_->within(Impl::Kind::Write, [&]() -> Status {
    DX_TRY(const std::optional<std::int64_t> id, find(impl_->db, file_id));
    if (!id) return no_entry(file_id);
    DX_TRY_OK(impl_->db.query("DELETE FROM ledger_pending WHERE id = ?1").bind_int(1, *id).run());
    // An entry that was only made for this write says nothing any more.
    return impl_->db.query("DELETE FROM ledger WHERE id = ?1 AND path = ''").bind_int(1, *id).run();
  });
}

Status Store::remove_ledger(std::string_view file_id) {
  return impl_->within(Impl::Kind::Write, [&]() -> Status {
    DX_TRY(const std::optional<std::int64_t> id, find(impl_->db, file_id));
    if (!id) return {};
    DX_TRY_OK(impl_->db.query("DELETE FROM ledger_pending WHERE id = ?1").bind_int(1, *id).run());
    DX_TRY_OK(impl_->db.query("DELETE FROM ledger_bases WHERE id = ?1").bind_int(1, *id).run());
    return impl_->db.query("DELETE FROM ledger WHERE id = ?1").bind_int(1, *id).run();
  });
}

}  // namespace diaryx::storage
