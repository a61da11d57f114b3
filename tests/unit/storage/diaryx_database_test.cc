#include "engine/storage/diaryx_database.h"

#include <doctest/doctest.h>
#include <sqlite3.h>

#include "tests/support/temp_dir.h"

using namespace diaryx;
using namespace diaryx::storage;

namespace {

constexpr const char* kTables = R"sql(
CREATE TABLE documents (name TEXT PRIMARY KEY, state BLOB NOT NULL, state_vector BLOB NOT NULL, updated_at INTEGER NOT NULL);
CREATE TABLE updates (id INTEGER PRIMARY KEY AUTOINCREMENT, doc_name TEXT NOT NULL, data BLOB NOT NULL, origin TEXT NOT NULL,
  timestamp INTEGER NOT NULL, device_id TEXT, device_name TEXT);
)sql";

void run(const std::filesystem::path& file, const std::string& sql) {
  sqlite3* db = nullptr;
  REQUIRE(sqlite3_open(file.c_str(), &db) == SQLITE_OK);
  REQUIRE(sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK);
  REQUIRE(sqlite3_close(db) == SQLITE_OK);
}

}  // namespace

TEST_SUITE("storage/diaryx_database") {
  TEST_CASE("documents come by name, with their rows in order and their times") {
    const test::TempDir dir;
    const auto file = dir.path() / "d.db";
    run(file, std::string(kTables) + R"sql(
INSERT INTO documents VALUES ('b.md', x'01', x'', 50);
INSERT INTO updates VALUES (7, 'workspace', x'0203', 'remote', 10, 'd', NULL), (3, 'workspace', x'04', 'sync', -5, NULL, NULL),
  (9, 'b.md', x'05', 'whoever', 9223372036854775807, NULL, NULL);
)sql");
    const std::string before = dir.read("d.db");
    const auto found = read_diaryx_database(file);
    REQUIRE(found);
    CHECK(found->left_out.empty());
    REQUIRE(found->documents.size() == 2);
    const DiaryxDocument& body = found->documents[0];
    CHECK(body.name == "b.md");
    CHECK(body.states == std::vector<Buffer>{{1}});
    CHECK(body.state_ms == 50);
    CHECK(body.updates.at(0).origin == UpdateOrigin::Local);
    CHECK(body.last_ms() == (std::int64_t{1} << 53) - 1);
    const DiaryxDocument& workspace = found->documents[1];
    REQUIRE(workspace.updates.size() == 2);
    CHECK(workspace.states.empty());
    CHECK(workspace.updates[0].id == 3);
    CHECK(workspace.updates[0].origin == UpdateOrigin::Sync);
    CHECK(workspace.updates[0].time_ms == 0);
    CHECK(workspace.updates[1].data == Buffer{2, 3});
    CHECK(workspace.updates[1].origin == UpdateOrigin::Remote);
    CHECK(workspace.last_ms() == 10);
    CHECK(dir.read("d.db") == before);
    CHECK_FALSE(dir.exists("d.db-wal"));
    CHECK_FALSE(dir.exists("d.db-journal"));
  }

  TEST_CASE("rows that are none of a document are told of") {
    const test::TempDir dir;
    const auto file = dir.path() / "d.db";
    run(file, std::string(kTables) + R"sql(
INSERT INTO documents VALUES (NULL, x'01', x'', 1), ('text', 'abc', x'', 1), (CAST(x'fffe' AS TEXT), x'01', x'', 1), ('', x'01', x'', 1);
INSERT INTO updates VALUES (4, 'good', x'', 'local', 'x', NULL, NULL), (5, 6, 7, 8, 9, 10, 11);
)sql");
    const auto found = read_diaryx_database(file);
    REQUIRE(found);
    REQUIRE(found->documents.size() == 1);
    CHECK(found->documents[0].name == "good");
    CHECK(found->documents[0].updates.at(0).time_ms == 0);
    CHECK(found->left_out.size() == 5);
  }

  TEST_CASE("a table that is none, or lacks something, is no table of Diaryx") {
    const char* bad[] = {
        "CREATE TABLE t (a)",
        "CREATE TABLE documents (name, state, updated_at)",
        "CREATE VIEW documents AS SELECT 1 AS name, 2 AS state, 3 AS updated_at;"
        "CREATE TABLE updates (id, doc_name, data, origin, timestamp)",
        "CREATE TABLE documents (name, state); CREATE TABLE updates (id, doc_name, data, origin, "
        "timestamp)",
        "CREATE TABLE documents (name, updated_at, state AS (x'00'));"
        "CREATE TABLE updates (id, doc_name, data, origin, timestamp)",
    };
    for (const char* sql : bad) {
      CAPTURE(sql);
      const test::TempDir dir;
      run(dir.path() / "d.db", sql);
      const auto found = read_diaryx_database(dir.path() / "d.db");
      REQUIRE_FALSE(found);
      CHECK(found.error().code == ErrorCode::Malformed);
      CHECK(found.error().message.find("d.db") != std::string::npos);
      CHECK_FALSE(found.error().hint.empty());
    }
  }
}
