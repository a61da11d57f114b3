// SQLite's C interface with owners and Results. The only header that sees sqlite3.h is sqlite.cc.
//
// Never open() the database file by other means in a process that has it open here: closing any
// descriptor of a file drops all POSIX locks that the process holds on it, SQLite's too.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/base/bytes.h"
#include "engine/base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace diaryx::storage {

class Database;

// What to do about a store that is Corrupt.
inline constexpr char kRepairHint[] =
    "`diaryx-sync repair` rebuilds it from what is left, the files and git, and keeps the damaged "
    "one";

// One use of a prepared statement: bind, step, read columns. Ready for its next use when destroyed.
// A failed prepare() or bind shows at the first step(). Must not outlive its Database.
class Query {
 public:
  Query(Query&& other) noexcept
      : db_(other.db_), statement_(std::exchange(other.statement_, nullptr)), rc_(other.rc_) {}
  Query& operator=(Query&&) = delete;
  ~Query();

  // Parameters count from 1. Texts and blobs are borrowed until the Query is gone.
  Query& bind_int(int at, std::int64_t value);
  Query& bind_text(int at, std::string_view text);
  Query& bind_blob(int at, Bytes blob);

  // True if there is a row to read.
  Result<bool> step();
  // For statements that give no rows.
  Status run();

  // Columns count from 0. Views live until the next step().
  std::int64_t integer(int column) const;
  std::string_view text(int column) const;
  Bytes blob(int column) const;
  bool is_null(int column) const;

 private:
  friend class Database;
  Query(Database& db, sqlite3_stmt* statement, int rc) : db_(&db), statement_(statement), rc_(rc) {}
  Database* db_;
  sqlite3_stmt* statement_;
  int rc_;
};

class Database {
 public:
  enum class Mode {
    ReadOnly,
    ReadWrite,
    Immutable,  // Nobody changes the file while it is open, so that no lock and no WAL index is
                // needed.
  };
  // Waits `busy_ms` for locks. NotFound, NotAllowed, Io; a file that is no database shows at the
  // first statement, as Corrupt.
  static Result<Database> open(const std::filesystem::path& file, Mode mode, int busy_ms);
  Database(Database&&) noexcept;
  Database& operator=(Database&&) noexcept = delete;
  ~Database();

  // `sql` is one statement with static storage (a literal): prepared once, kept under its address.
  Query query(const char* sql);
  // Several statements, nothing bound, rows dropped.
  Status exec(const char* sql);
  // The one number that a PRAGMA or SELECT gives.
  Result<std::int64_t> number(const char* sql);

  // No transaction is open: none was begun, or SQLite rolled it back after an error.
  bool autocommit() const;
  // Rows changed by the last statement.
  std::int64_t changes() const;
  // Moves the WAL into the database and empties it, as far as readers allow.
  Status checkpoint();

  // Names the file, with SQLite's text and a remedy where there is one.
  Error error(int rc) const;
  const std::string& name() const { return name_; }

 private:
  friend class Query;
  struct CloseDb {
    void operator()(sqlite3* db) const noexcept;
  };
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const noexcept;
  };
  Database(std::string name, sqlite3* db) : name_(std::move(name)), db_(db) {}

  std::string name_;
  std::unique_ptr<sqlite3, CloseDb> db_;
  // After db_, so that the statements go first.
  std::unordered_map<const char*, std::unique_ptr<sqlite3_stmt, Finalize>> statements_;
};

}  // namespace diaryx::storage
