// Stores of every version that there has been, made as that version made them: today's program
// reads them. A version that changes the schema adds its own text here, and leaves those before it
// alone.
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <sqlite3.h>

#include "engine/storage/checksum.h"
#include "engine/storage/salvage.h"
#include "engine/storage/schema.h"
#include "engine/storage/store.h"
#include "tests/support/temp_dir.h"

using namespace diaryx;
using namespace diaryx::storage;

namespace {

constexpr const char* kVersion1 = R"sql(
CREATE TABLE documents (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, seq_floor INTEGER NOT NULL) STRICT;
CREATE TABLE updates (doc INTEGER NOT NULL, seq INTEGER NOT NULL, time_ms INTEGER NOT NULL, origin INTEGER NOT NULL,
  crc INTEGER NOT NULL, data BLOB NOT NULL, PRIMARY KEY (doc, seq)) STRICT, WITHOUT ROWID;
CREATE TABLE snapshots (doc INTEGER PRIMARY KEY, covers_seq INTEGER NOT NULL, size INTEGER NOT NULL,
  sha256 BLOB NOT NULL) STRICT;
CREATE TABLE snapshot_states (doc INTEGER PRIMARY KEY, state BLOB NOT NULL) STRICT;
CREATE TABLE ledger (id INTEGER PRIMARY KEY, file_id TEXT NOT NULL UNIQUE, path TEXT NOT NULL, base_hash BLOB NOT NULL,
  size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, inode INTEGER NOT NULL) STRICT;
CREATE TABLE ledger_bases (id INTEGER PRIMARY KEY, base BLOB NOT NULL) STRICT;
CREATE TABLE ledger_pending (id INTEGER PRIMARY KEY, path TEXT NOT NULL, sha256 BLOB NOT NULL, text BLOB NOT NULL) STRICT;
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
PRAGMA application_id = 1685682291;
PRAGMA user_version = 1;
INSERT INTO documents VALUES (1, 'workspace', 3), (2, 'body/f', 0);
INSERT INTO snapshots VALUES (1, 3, 5, unhex('4ba69735ca53765ed6a709edb56c6ea236b7193a3b29a6b390c346f0f4340e4e'));
INSERT INTO snapshot_states VALUES (1, CAST('state' AS BLOB));
INSERT INTO ledger VALUES (1, 'f', 'a.md', unhex('982d9e3eb996f559e633f4d194def3761d909f5a3b647d1a851fead67c32c9d1'), 4, 5, 6);
INSERT INTO ledger_bases VALUES (1, CAST('text' AS BLOB));
INSERT INTO meta VALUES ('epoch', 'e'), ('workspace_id', 'w');
)sql";

// SQLite before 3.41 has no unhex().
void unhex(sqlite3_context* context, int, sqlite3_value** values) {
  const std::string hex(reinterpret_cast<const char*>(sqlite3_value_text(values[0])));
  std::string octets;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    octets += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  sqlite3_result_blob(context, octets.data(), static_cast<int>(octets.size()), SQLITE_TRANSIENT);
}

// `sql`: a version's schema with a row in each table. One update of "body/f" comes with it.
void make_store(const std::filesystem::path& file, const char* sql) {
  sqlite3* db = nullptr;
  REQUIRE(sqlite3_open(file.c_str(), &db) == SQLITE_OK);
  REQUIRE(sqlite3_create_function(db, "unhex", 1, SQLITE_UTF8, nullptr, unhex, nullptr, nullptr) ==
          SQLITE_OK);
  REQUIRE(sqlite3_exec(db, sql, nullptr, nullptr, nullptr) == SQLITE_OK);
  const std::string data = "update";
  const std::string insert = "INSERT INTO updates VALUES (2, 1, 1000, 3, " +
                             std::to_string(update_row_crc(2, 1, 1000, 3, as_bytes(data))) +
                             ", CAST('update' AS BLOB))";
  REQUIRE(sqlite3_exec(db, insert.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK);
  REQUIRE(sqlite3_close(db) == SQLITE_OK);
}

void check_contents(Store& store) {
  const auto workspace = store.load("workspace");
  REQUIRE(workspace);
  REQUIRE(workspace->snapshot);
  CHECK(workspace->snapshot->covers_seq == 3);
  CHECK(as_text(workspace->snapshot->state) == "state");
  const auto body = store.load("body/f");
  REQUIRE(body);
  REQUIRE(body->updates.size() == 1);
  CHECK(as_text(body->updates[0].data) == "update");
  CHECK(body->updates[0].origin == UpdateOrigin::Disk);
  const auto entry = store.ledger("f");
  REQUIRE(entry);
  REQUIRE(*entry);
  CHECK((*entry)->base == "text");
  CHECK((*entry)->path == "a.md");
  CHECK(*store.meta("epoch") == "e");
  const auto faults = store.verify();
  REQUIRE(faults);
  CHECK(faults->empty());
}

}  // namespace

TEST_SUITE("storage/versions") {
  TEST_CASE("a store of version 1 is read and written by today's program") {
    const test::TempDir dir;
    const auto file = dir.path() / "store.db";
    make_store(file, kVersion1);
    {
      const auto store = Store::open(file, OpenMode::ReadWrite);
      REQUIRE(store);
      check_contents(**store);
      const NewUpdate update{"body/f", Buffer(3, 'x'), UpdateOrigin::Local, 5};
      REQUIRE((*store)->append({&update, 1}));
      CHECK(*(*store)->last_seq("body/f") == 2);
      CHECK(*(*store)->last_seq("workspace") == 3);
    }
    CHECK(Store::open(file, OpenMode::ReadOnly));
  }

  TEST_CASE("there is a way from every version to the newest") {
    std::int64_t version = 1;
    for (const Migration& step : migrations()) CHECK(step.from == version++);
    CHECK(version == kSchemaVersion);
  }

  TEST_CASE("a version that no program will ever have is damage, and can be repaired") {
    const test::TempDir dir;
    const auto file = dir.path() / "store.db";
    make_store(file, (std::string(kVersion1) + "PRAGMA user_version = 34817").c_str());
    CHECK(Store::open(file, OpenMode::ReadOnly).error().code == ErrorCode::Corrupt);
    const auto found = salvage(file, dir.path());
    REQUIRE(found);
    CHECK_FALSE(found->faults.empty());
    CHECK(found->docs.size() == 2);
  }

  TEST_CASE("a version in the header that the table does not know is damage, and can be repaired") {
    const test::TempDir dir;
    const auto file = dir.path() / "store.db";
    make_store(file, kVersion1);
    {
      const auto store = Store::open(file, OpenMode::ReadWrite);  // Brings it up to date.
      REQUIRE(store);
      CHECK(*(*store)->meta("schema_version") == std::to_string(kSchemaVersion));
    }
    const std::string whole = dir.read("store.db");
    // SQLite keeps user_version in octets 60 to 63, the most significant first.
    std::vector<std::string> all;
    for (int bit = 0; bit < 32; ++bit) {
      all.push_back(whole);
      char& octet = all.back()[static_cast<std::size_t>(63 - bit / 8)];
      octet = static_cast<char>(octet ^ (1 << bit % 8));
    }
    const std::size_t row = whole.find("schema_version" + std::to_string(kSchemaVersion));
    REQUIRE(row != std::string::npos);
    for (int bit = 0; bit < 8; ++bit) {
      all.push_back(whole);
      char& octet = all.back()[row + 14];
      octet = static_cast<char>(octet ^ (1 << bit));
    }
    for (const std::string& damaged : all) {
      dir.write("store.db", damaged);
      for (const OpenMode mode : {OpenMode::ReadOnly, OpenMode::ReadWrite, OpenMode::Create}) {
        const auto opened = Store::open(file, mode);
        REQUIRE_FALSE(opened);
        CHECK(opened.error().code == ErrorCode::Corrupt);
      }
      CHECK(dir.read("store.db") == damaged);
      const auto found = salvage(file, dir.path());
      REQUIRE(found);
      CHECK_FALSE(found->faults.empty());
      CHECK(found->docs.size() == 2);
      CHECK(found->meta.size() == 2);
      CHECK_FALSE(found->meta.contains("schema_version"));
    }
  }

  TEST_CASE("stores from before the version stood in the table are read, damaged or not") {
    const test::TempDir dir;
    const auto file = dir.path() / "store.db";
    make_store(file, (std::string(kVersion1) + "PRAGMA user_version = 2").c_str());
    check_contents(**Store::open(file, OpenMode::ReadOnly));
    const test::TempDir other;
    make_store(other.path() / "store.db",
               (std::string(kVersion1) + "PRAGMA user_version = 3").c_str());
    CHECK(Store::open(other.path() / "store.db", OpenMode::ReadOnly).error().code ==
          ErrorCode::Corrupt);
    CHECK(salvage(other.path() / "store.db", other.path())->docs.size() == 2);
  }

  TEST_CASE("a store of a newer version is refused by all ways of opening, to the last octet") {
    const test::TempDir dir;
    const auto file = dir.path() / "store.db";
    const std::string number = std::to_string(kSchemaVersion + 1);
    const std::string newer = std::string(kVersion1) + "PRAGMA user_version = " + number +
                              "; INSERT INTO meta VALUES ('schema_version', '" + number + "')";
    make_store(file, newer.c_str());
    const std::string before = dir.read("store.db");
    for (const OpenMode mode : {OpenMode::ReadOnly, OpenMode::ReadWrite, OpenMode::Create}) {
      const auto opened = Store::open(file, mode);
      REQUIRE_FALSE(opened);
      CHECK(opened.error().code == ErrorCode::TooNew);
    }
    CHECK(dir.read("store.db") == before);
    CHECK_FALSE(dir.exists("store.db-wal"));
  }
}
