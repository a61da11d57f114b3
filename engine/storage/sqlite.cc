#include "engine/storage/sqlite.h"

#include <cerrno>

#include <sqlite3.h>

#include "engine/base/posix.h"

namespace diaryx::storage {
namespace {

// "file:" and the path, with the characters escaped that mean something in a URI.
std::string file_uri(std::string_view path) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string uri = "file:";
  for (const char c : path) {
    const auto octet = static_cast<unsigned char>(c);
    if (c == '%' || c == '?' || c == '#' || octet < 0x20) {
      uri += '%';
      uri += kDigits[octet >> 4U];
      uri += kDigits[octet & 15U];
    } else {
      uri += c;
    }
  }
  return uri;
}

ErrorCode code_of(int rc, int system_errno) {
  switch (rc & 0xff) {
    case SQLITE_FULL:
      return ErrorCode::NoSpace;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return ErrorCode::Busy;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_ERROR:     // "no such table": the file is a database of ours, but not whole.
    case SQLITE_MISMATCH:  // A value that the schema does not allow.
    case SQLITE_CONSTRAINT:
    case SQLITE_FORMAT:
      return ErrorCode::Corrupt;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return ErrorCode::NotAllowed;
    case SQLITE_TOOBIG:
      return ErrorCode::LimitExceeded;
    case SQLITE_INTERRUPT:
      return ErrorCode::Interrupted;
    default:
      break;
  }
  // SQLITE_IOERR, SQLITE_CANTOPEN and others: the system's number says more.
  switch (system_errno) {
    case ENOSPC:
    case EDQUOT:
      return ErrorCode::NoSpace;
    case ENOENT:
      return ErrorCode::NotFound;
    case EACCES:
    case EPERM:
    case EROFS:
    case ELOOP:
      return ErrorCode::NotAllowed;
    default:
      return ErrorCode::Io;
  }
}

const char* hint_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::NoSpace:
      return "free some space and try again";
    case ErrorCode::Busy:
      return "another process holds the store; try again when it is done";
    case ErrorCode::Corrupt:
      return kRepairHint;
    default:
      return "";
  }
}

}  // namespace

Query::~Query() {
  if (statement_ == nullptr) return;
  // Its result repeats the error of the last step, which has been told.
  (void)sqlite3_reset(statement_);
  (void)sqlite3_clear_bindings(statement_);
}

Query& Query::bind_int(int at, std::int64_t value) {
  if (rc_ == SQLITE_OK) rc_ = sqlite3_bind_int64(statement_, at, value);
  return *this;
}

Query& Query::bind_text(int at, std::string_view text) {
  // A null pointer would bind NULL.
  const char* data = text.data() == nullptr ? "" : text.data();
  if (rc_ == SQLITE_OK) {
    rc_ = sqlite3_bind_text64(statement_, at, data, text.size(), SQLITE_STATIC, SQLITE_UTF8);
  }
  return *this;
}

Query& Query::bind_blob(int at, Bytes blob) {
  if (rc_ == SQLITE_OK) {
    rc_ = blob.empty()
              ? sqlite3_bind_zeroblob(statement_, at, 0)
              : sqlite3_bind_blob64(statement_, at, blob.data(), blob.size(), SQLITE_STATIC);
  }
  return *this;
}

Result<bool> Query::step() {
  if (rc_ == SQLITE_OK) rc_ = sqlite3_step(statement_);
  switch (rc_) {
    case SQLITE_ROW:
      rc_ = SQLITE_OK;
      return true;
    case SQLITE_DONE:
      return false;
    default:
      return db_->error(rc_);
  }
}

Status Query::run() {
  DX_TRY(const bool row, step());
  DX_CHECK(!row);
  return {};
}

std::int64_t Query::integer(int column) const {
  return sqlite3_column_int64(statement_, column);
}

std::string_view Query::text(int column) const {
  const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  if (data == nullptr) return {};
  return {data, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

Bytes Query::blob(int column) const {
  const auto* data = static_cast<const std::uint8_t*>(sqlite3_column_blob(statement_, column));
  if (data == nullptr) return {};
  return {data, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

bool Query::is_null(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

void Database::CloseDb::operator()(sqlite3* db) const noexcept {
  // Cannot fail but for unfinished statements, and those were finalized before.
  (void)sqlite3_close_v2(db);
}

void Database::Finalize::operator()(sqlite3_stmt* statement) const noexcept {
  (void)sqlite3_finalize(statement);  // Repeats the last step's error.
}

Database::Database(Database&&) noexcept = default;
Database::~Database() = default;

Result<Database> Database::open(const std::filesystem::path& file, Mode mode, int busy_ms) {
  // One thread at a time uses a store, so SQLite need not lock. NOFOLLOW: a link would lead out of
  // the workspace.
  int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_URI | SQLITE_OPEN_EXRESCODE;
  flags |= mode == Mode::ReadWrite ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY;
  std::string name = file.string();
  std::string uri = file_uri(name);
  if (name == ":memory:") flags |= SQLITE_OPEN_CREATE;
  if (mode == Mode::Immutable) uri += "?immutable=1";

  sqlite3* raw = nullptr;
  const int rc = sqlite3_open_v2(uri.c_str(), &raw, flags, nullptr);
  Database db(std::move(name), raw);  // SQLite hands back a handle even when it fails.
  if (raw == nullptr) return Error{ErrorCode::Io, db.name_ + ": out of memory"};
  if (rc != SQLITE_OK) return db.error(rc);

  (void)sqlite3_busy_timeout(raw, busy_ms);
  // The file may come from somebody else: its schema must not run anything of its own.
  (void)sqlite3_db_config(raw, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  (void)sqlite3_db_config(raw, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  (void)sqlite3_db_config(raw, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
  (void)sqlite3_db_config(raw, SQLITE_DBCONFIG_ENABLE_VIEW, 0, nullptr);
  return db;
}

Query Database::query(const char* sql) {
  auto& kept = statements_[sql];
  if (kept == nullptr) {
    sqlite3_stmt* raw = nullptr;
    const int rc = sqlite3_prepare_v3(db_.get(), sql, -1, SQLITE_PREPARE_PERSISTENT, &raw, nullptr);
    kept.reset(raw);
    if (rc != SQLITE_OK) return Query(*this, nullptr, rc);
  }
  // Two uses at a time would step on each other's rows.
  DX_CHECK(sqlite3_stmt_busy(kept.get()) == 0);
  return Query(*this, kept.get(), SQLITE_OK);
}

Status Database::exec(const char* sql) {
  const int rc = sqlite3_exec(db_.get(), sql, nullptr, nullptr, nullptr);
  if (rc != SQLITE_OK) return error(rc);
  return {};
}

Result<std::int64_t> Database::number(const char* sql) {
  Query q = query(sql);
  DX_TRY(const bool row, q.step());
  if (!row) return Error{ErrorCode::Corrupt, name_ + ": no answer to \"" + sql + "\""};
  return q.integer(0);
}

bool Database::autocommit() const {
  return sqlite3_get_autocommit(db_.get()) != 0;
}

std::int64_t Database::changes() const {
  return sqlite3_changes64(db_.get());
}

Status Database::checkpoint() {
  const int rc =
      sqlite3_wal_checkpoint_v2(db_.get(), nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
  // Busy: a reader still needs a part of it. What could be moved was moved, and nothing is lost by
  // waiting.
  if (rc != SQLITE_OK && (rc & 0xff) != SQLITE_BUSY) return error(rc);
  return {};
}

Error Database::error(int rc) const {
  const int system_errno = sqlite3_system_errno(db_.get());
  const ErrorCode code = code_of(rc, system_errno);
  std::string message = name_ + ": " + sqlite3_errmsg(db_.get());
  const int primary = rc & 0xff;
  if ((primary == SQLITE_IOERR || primary == SQLITE_CANTOPEN) && system_errno != 0) {
    message += " (" + errno_text(system_errno) + ")";
  }
  return Error{code, std::move(message), hint_of(code)};
}

}  // namespace diaryx::storage
