// The store's schema and how one version becomes the next. schema.sql is the newest version, for a
// fresh file; a migration leads from each version to the one after it, so that any older file can
// be brought up step by step.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "engine/base/result.h"
#include "engine/storage/sqlite.h"

namespace diaryx::storage {

inline constexpr std::int64_t kApplicationId = 0x64797873;  // "dyxs"
// 2: rows of `updates` may hold several updates (packed.h); the tables are those of 1.
inline constexpr std::int64_t kSchemaVersion = 2;
// Older ones can be read only after a migration.
inline constexpr std::int64_t kOldestReadable = 1;

// In `meta`: the version once more. Where it is not that of the header one of the two is damaged,
// and that it is a newer program's store is believed only if both say so.
inline constexpr std::string_view kVersionKey = "schema_version";

extern const char* const kSchemaSql;  // schema.sql

struct Migration {
  std::int64_t from;  // Leads to from + 1.
  const char* sql;
};
// Ascending by `from`, no gaps, up to kSchemaVersion.
std::span<const Migration> migrations();

// Makes the tables in an empty database, all or nothing.
Status create_schema(Database& db);

// The version of an existing store. Corrupt if the file is no store of ours or its two notes of the
// version differ, TooNew if its version is above `known`.
Result<std::int64_t> read_version(Database& db, std::int64_t known);

// Runs what leads from the version that `db` has to `target`, all in one transaction.
Status migrate(Database& db, std::span<const Migration> steps, std::int64_t target);

}  // namespace diaryx::storage
