#include "engine/storage/schema.h"

#include <array>
#include <string>

#include <fmt/format.h>

#include "engine/base/utf.h"

namespace diaryx::storage {
namespace {

// Stores up to this version may lack the row of kVersionKey: there was none then.
constexpr std::int64_t kLastUnnoted = 2;
// A version above this is no newer program's, but a damaged header.
constexpr std::int64_t kLastPlausibleVersion = 9'999;
// Version 2 only says that there may be rows that version 1 cannot read.
constexpr std::array<Migration, 1> kMigrations{{{1, ""}}};

Status set_version(Database& db, std::int64_t version) {
  Query q = db.query(
      "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = ?2");
  const std::string text = std::to_string(version);
  DX_TRY_OK(q.bind_text(1, kVersionKey).bind_text(2, text).run());
  // A PRAGMA takes no parameters.
  return db.exec(fmt::format("PRAGMA user_version = {}", version).c_str());
}

// What the row says; "none" if there is no row.
Result<std::string> noted_version(Database& db) {
  Query q = db.query("SELECT value FROM meta WHERE key = ?1");
  DX_TRY(const bool found, q.bind_text(1, kVersionKey).step());
  return found ? std::string(q.text(0)) : std::string("none");
}

// Runs `body` in a transaction that nobody else can have begun on this connection.
template <class F>
Status in_transaction(Database& db, const F& body) {
  DX_TRY_OK(db.exec("BEGIN IMMEDIATE"));
  Status done = body();
  if (done) done = db.exec("COMMIT");
  if (!done)
    (void)db.exec("ROLLBACK");  // Closing the connection would roll back too; the first error is
                                // the one to tell.
  return done;
}

}  // namespace

std::span<const Migration> migrations() {
  return kMigrations;
}

Status create_schema(Database& db) {
  return in_transaction(db, [&]() -> Status {
    DX_TRY_OK(db.exec(kSchemaSql));
    DX_TRY_OK(db.exec(fmt::format("PRAGMA application_id = {}", kApplicationId).c_str()));
    return set_version(db, kSchemaVersion);
  });
}

Result<std::int64_t> read_version(Database& db, std::int64_t known) {
  DX_TRY(const std::int64_t application, db.number("PRAGMA application_id"));
  if (application != kApplicationId) {
    return Error{ErrorCode::Corrupt, db.name() + ": not a diaryx-sync store",
                 "if another program made this file, move it away; else `diaryx-sync repair` "
                 "rebuilds the store"};
  }
  DX_TRY(const std::int64_t version, db.number("PRAGMA user_version"));
  if (version < 1 || version > kLastPlausibleVersion) {
    return Error{ErrorCode::Corrupt,
                 fmt::format("{}: schema version {} cannot be", db.name(), version), kRepairHint};
  }
  DX_TRY(const std::string noted, noted_version(db));
  const bool unnoted = noted == "none" && version <= kLastUnnoted;
  if (!unnoted && noted != std::to_string(version)) {
    return Error{ErrorCode::Corrupt,
                 fmt::format("{}: schema version {} in its header, {} in its table: one of them is "
                             "not what was written",
                             db.name(), version, is_utf8(noted) ? noted : "no number"),
                 kRepairHint};
  }
  if (version > known) {
    return Error{ErrorCode::TooNew,
                 fmt::format("{}: written by a newer diaryx-sync: schema version {}, this program "
                             "knows versions up to {}",
                             db.name(), version, known),
                 "update diaryx-sync"};
  }
  return version;
}

Status migrate(Database& db, std::span<const Migration> steps, std::int64_t target) {
  return in_transaction(db, [&]() -> Status {
    // Read inside the transaction: another process may have done the work while we waited for the
    // lock.
    DX_TRY(std::int64_t version, read_version(db, target));
    for (const Migration& step : steps) {
      if (step.from != version) continue;
      if (Status done = db.exec(step.sql); !done) {
        return std::move(done).error().with(fmt::format("migration from version {}", version));
      }
      ++version;
    }
    if (version != target) {
      return Error{ErrorCode::Unsupported, fmt::format("{}: no way from schema version {} to {}",
                                                       db.name(), version, target)};
    }
    return set_version(db, version);
  });
}

}  // namespace diaryx::storage
