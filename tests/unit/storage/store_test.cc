#include "engine/storage/store.h"

#include <fstream>

#include <doctest/doctest.h>
#include <sqlite3.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "engine/storage/schema.h"
#include "tests/support/other_user.h"
#include "tests/support/temp_dir.h"

using namespace diaryx;
using namespace diaryx::storage;

namespace {

// SQL run behind the store's back.
void run_sql(const std::filesystem::path& file, const char* sql) {
  sqlite3* db = nullptr;
  REQUIRE(sqlite3_open(file.c_str(), &db) == SQLITE_OK);
  CHECK(sqlite3_exec(db, sql, nullptr, nullptr, nullptr) == SQLITE_OK);
  sqlite3_close(db);
}

std::unique_ptr<Store> create(const std::filesystem::path& file) {
  auto store = Store::open(file, OpenMode::Create);
  REQUIRE_MESSAGE(store, (store ? "" : store.error().message));
  return std::move(*store);
}

ErrorCode open_error(const std::filesystem::path& file, OpenMode mode) {
  const auto store = Store::open(file, mode);
  REQUIRE_FALSE(store);
  return store.error().code;
}

void remove_wal(const std::filesystem::path& file) {
  for (const char* suffix : {"-wal", "-shm"}) std::filesystem::remove(file.string() + suffix);
}

std::vector<NewUpdate> one(std::string doc, std::string_view data) {
  return {{std::move(doc), to_buffer(as_bytes(data)), UpdateOrigin::Disk, 1}};
}

}  // namespace

TEST_SUITE("storage/store") {
  TEST_CASE("a new store is ours, private, and still there when opened again") {
    const test::TempDir dir;
    const auto file = dir.path() / "store.db";
    CHECK(open_error(file, OpenMode::ReadOnly) == ErrorCode::NotFound);
    CHECK(open_error(file, OpenMode::ReadWrite) == ErrorCode::NotFound);
    {
      auto store = create(file);
      REQUIRE(store->append(one("a", "1")));
      REQUIRE(store->set_meta("epoch", "e1"));
      CHECK(*store->size_bytes() > 4096);
    }
    struct stat found {};
    REQUIRE(::stat(file.c_str(), &found) == 0);
    CHECK((found.st_mode & 0777) == 0600);
    for (const OpenMode mode : {OpenMode::ReadOnly, OpenMode::ReadWrite, OpenMode::Create}) {
      const auto store = Store::open(file, mode);
      REQUIRE(store);
      CHECK(**(*store)->meta("epoch") == "e1");
      CHECK((*store)->load("a")->updates.size() == 1);
    }
    // Nothing else was left in the folder.
    for (const auto& item : std::filesystem::directory_iterator(dir.path()))
      CHECK(item.path().filename() == "store.db");
  }

  TEST_CASE("a new store takes its first filling without a WAL, and from then on writes one") {
    const test::TempDir dir;
    const auto wal = dir.path() / "store.db-wal";
    auto store = create(dir.path() / "store.db");
    REQUIRE(store->set_meta("epoch", "e1"));
    {
      auto transaction = store->begin();
      REQUIRE(store->append(one("a", "1")));
      CHECK_FALSE(std::filesystem::exists(wal));
      REQUIRE(transaction->commit());
    }
    REQUIRE(store->append(one("a", "2")));
    CHECK(std::filesystem::exists(wal));
  }

  TEST_CASE("the WAL is as private as the store") {
    const test::TempDir dir;
    auto store = create(dir.path() / "store.db");
    REQUIRE(store->append(one("a", "0")));  // The first goes into the file itself.
    REQUIRE(store->append(one("a", "1")));
    struct stat found {};
    REQUIRE(::stat((dir.path() / "store.db-wal").c_str(), &found) == 0);
    CHECK((found.st_mode & 0777) == 0600);
  }

  TEST_CASE("a store is made only in a folder that exists") {
    const test::TempDir dir;
    CHECK(open_error(dir.path() / "none" / "store.db", OpenMode::Create) == ErrorCode::NotFound);
  }

  TEST_CASE("files that are no store of ours are refused and left alone, by all ways of opening") {
    const test::TempDir dir;
    run_sql(dir.path() / "foreign.db",
            "CREATE TABLE documents (name TEXT PRIMARY KEY); PRAGMA user_version = 1");
    dir.write("empty.db", "");
    dir.write("text.db", std::string(5000, 'x'));
    for (const char* name : {"foreign.db", "empty.db", "text.db"}) {
      const std::string before = dir.read(name);
      for (const OpenMode mode : {OpenMode::ReadOnly, OpenMode::ReadWrite, OpenMode::Create}) {
        CHECK(open_error(dir.path() / name, mode) == ErrorCode::Corrupt);
      }
      CHECK(dir.read(name) == before);
    }
    const auto store = Store::open(dir.path() / "foreign.db", OpenMode::ReadWrite);
    CHECK(store.error().message.find("not a diaryx-sync store") != std::string::npos);
  }

  TEST_CASE("a link in place of the store is refused") {
    const test::TempDir dir;
    create(dir.path() / "real.db");
    std::filesystem::create_symlink(dir.path() / "real.db", dir.path() / "store.db");
    CHECK(open_error(dir.path() / "store.db", OpenMode::ReadWrite) == ErrorCode::NotAllowed);
    std::filesystem::create_directory_symlink(dir.path(), dir.path() / "folder");
    CHECK(Store::open(dir.path() / "folder" / "real.db", OpenMode::ReadWrite));
  }

  TEST_CASE("a store of a newer version is refused with a remedy") {
    const test::TempDir dir;
    const auto file = dir.path() / "store.db";
    create(file);
    run_sql(file,
            "PRAGMA user_version = 3; UPDATE meta SET value = '3' WHERE key = 'schema_version'");
    const auto store = Store::open(file, OpenMode::ReadWrite);
    REQUIRE_FALSE(store);
    CHECK(store.error().code == ErrorCode::TooNew);
    CHECK(store.error().message.find("schema version 3") != std::string::npos);
    CHECK_FALSE(store.error().hint.empty());
  }

  TEST_CASE("names with characters that mean something in a URI are only names") {
    const test::TempDir dir;
    const auto file = dir.path() / "a?mode=memory#%41.db";
    create(file);
    CHECK(std::filesystem::exists(file));
    CHECK(Store::open(file, OpenMode::ReadOnly));
  }

  TEST_CASE("migrations run step by step, all or none") {
    const test::TempDir dir;
    const auto file = dir.path() / "store.db";
    create(file);
    auto db = Database::open(file, Database::Mode::ReadWrite, 100);
    REQUIRE(db);
    constexpr std::int64_t kNow = kSchemaVersion;
    const Migration good[] = {{kNow, "CREATE TABLE one (a)"},
                              {kNow + 1, "INSERT INTO one VALUES (7)"}};
    const Migration bad[] = {{kNow, "CREATE TABLE one (a)"},
                             {kNow + 1, "INSERT INTO none VALUES (7)"}};
    CHECK_FALSE(migrate(*db, bad, kNow + 2));
    CHECK(*read_version(*db, kNow + 2) == kNow);
    CHECK_FALSE(migrate(*db, good, kNow + 3));  // No way to the last one.
    CHECK(*read_version(*db, kNow + 2) == kNow);
    REQUIRE(migrate(*db, good, kNow + 2));
    CHECK(*read_version(*db, kNow + 2) == kNow + 2);
    CHECK(*db->number("SELECT a FROM one") == 7);
    REQUIRE(migrate(*db, good, kNow + 2));  // Nothing left to do.
    CHECK(migrate(*db, {}, kNow + 1).error().code == ErrorCode::TooNew);
  }

  TEST_CASE("reading works beside a writer and sees only what is committed") {
    const test::TempDir dir;
    const auto file = dir.path() / "store.db";
    auto writer = create(file);
    REQUIRE(writer->append(one("a", "1")));
    auto reader = Store::open(file, OpenMode::ReadOnly);
    REQUIRE(reader);
    CHECK((*reader)->load("a")->updates.size() == 1);
    auto transaction = writer->begin();
    REQUIRE(writer->append(one("a", "2")));
    CHECK((*reader)->load("a")->updates.size() == 1);
    REQUIRE(transaction->commit());
    CHECK((*reader)->load("a")->updates.size() == 2);
    {
      auto moment = (*reader)->begin();
      REQUIRE(moment);
      CHECK((*reader)->load("a")->updates.size() == 2);
      REQUIRE(writer->append(one("a", "3")));
      CHECK((*reader)->load("a")->updates.size() == 2);
    }
    CHECK((*reader)->load("a")->updates.size() == 3);
    const auto refused = (*reader)->append(one("a", "4"));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == ErrorCode::NotAllowed);
  }

  TEST_CASE("a second writer waits for the first and is told when it takes too long") {
    const test::TempDir dir;
    const auto file = dir.path() / "store.db";
    create(file);
    auto first = Database::open(file, Database::Mode::ReadWrite, 0);
    auto second = Database::open(file, Database::Mode::ReadWrite, 50);
    REQUIRE(first->exec("BEGIN IMMEDIATE"));
    const auto begun = second->exec("BEGIN IMMEDIATE");
    REQUIRE_FALSE(begun);
    CHECK(begun.error().code == ErrorCode::Busy);
    CHECK(begun.error().message.find("store.db") != std::string::npos);
    CHECK_FALSE(begun.error().hint.empty());
  }

  TEST_CASE("a person without the right to write can read a store that was closed properly") {
    const test::TempDir dir;
    const auto file = dir.path() / "store.db";
    {
      auto store = create(file);
      REQUIRE(store->append(one("a", "1")));
    }
    std::filesystem::permissions(dir.path(), std::filesystem::perms(0555));
    std::filesystem::permissions(file, std::filesystem::perms(0444));
    const int answer = test::as_ordinary_user([&] {
      const auto store = Store::open(file, OpenMode::ReadOnly);
      if (!store) return 1;
      const auto doc = (*store)->load("a");
      if (!doc || doc->updates.size() != 1) return 2;
      const auto writer = Store::open(file, OpenMode::ReadWrite);
      if (writer || writer.error().code != ErrorCode::NotAllowed) return 3;
      return 0;
    });
    CHECK(answer == 0);
    std::filesystem::permissions(dir.path(), std::filesystem::perms(0755));
  }

  TEST_CASE("without that right and with a WAL left over, reading is refused rather than stale") {
    const test::TempDir dir;
    const auto file = dir.path() / "store.db";
    const test::TempDir copy;
    {
      auto store = create(file);
      REQUIRE(store->append(one("a", "0")));
      REQUIRE(store->append(one("a", "1")));
      // As a crash leaves it: a WAL, no index.
      std::filesystem::copy(file, copy.path() / "store.db");
      std::filesystem::copy(dir.path() / "store.db-wal", copy.path() / "store.db-wal");
    }
    const auto left = copy.path() / "store.db";
    std::filesystem::permissions(left, std::filesystem::perms(0444));
    std::filesystem::permissions(copy.path() / "store.db-wal", std::filesystem::perms(0444));
    std::filesystem::permissions(copy.path(), std::filesystem::perms(0555));
    const int answer = test::as_ordinary_user([&] {
      const auto store = Store::open(left, OpenMode::ReadOnly);
      return !store && store.error().code == ErrorCode::NotAllowed ? 0 : 1;
    });
    CHECK(answer == 0);
    std::filesystem::permissions(copy.path(), std::filesystem::perms(0755));
    // Where the index can be made, a reader sees what the crash left.
    const auto store = Store::open(left, OpenMode::ReadOnly);
    REQUIRE(store);
    CHECK((*store)->load("a")->updates.size() == 2);
  }

  TEST_CASE(
      "a changed octet in snapshot, update, base or pending text is found when it is loaded") {
    const test::TempDir dir;
    const auto file = dir.path() / "store.db";
    {
      auto store = create(file);
      REQUIRE(store->append(one("log", "an update")));
      REQUIRE(store->fold("snapshot", {0, to_buffer(as_bytes("a state"))}));
      LedgerEntry entry;
      entry.base = "a base";
      entry.base_hash = sha256(as_bytes(entry.base));
      for (const char* id : {"base", "pending"}) {
        entry.file_id = id;
        REQUIRE(store->put_ledger(entry));
      }
      REQUIRE(store->set_ledger_pending("pending", "p", "a text"));
    }
    run_sql(
        file,
        "UPDATE updates SET data = CAST('an uxdate' AS BLOB); UPDATE snapshot_states SET state = "
        "CAST('a stxte' AS BLOB);"
        "UPDATE ledger_bases SET base = CAST('a bxse' AS BLOB) WHERE id = 1;"
        "UPDATE ledger_pending SET text = CAST('a txxt' AS BLOB)");
    auto store = create(file);
    CHECK(store->load("log").error().code == ErrorCode::Corrupt);
    CHECK(store->load("snapshot").error().code == ErrorCode::Corrupt);
    CHECK(store->ledger("base").error().code == ErrorCode::Corrupt);
    CHECK(store->ledger("pending").error().code == ErrorCode::Corrupt);
    CHECK(store->ledger_stamps()->size() == 2);
  }

  TEST_CASE("verify finds every fault of a damaged store, each by name, and none in a whole one") {
    const test::TempDir dir;
    const auto file = dir.path() / "store.db";
    {
      auto store = create(file);
      for (const char* doc : {"good", "flipped", "lost"}) {
        REQUIRE(store->append(one(doc, "1")));
        REQUIRE(store->append(one(doc, "2")));
        REQUIRE(store->fold(doc, {1, to_buffer(as_bytes("state"))}));
      }
      LedgerEntry entry;
      entry.path = "p";
      entry.base = "a base";
      entry.base_hash = sha256(as_bytes(entry.base));
      for (const char* id : {"good", "base", "pending", "baseless"}) {
        entry.file_id = id;
        REQUIRE(store->put_ledger(entry));
        REQUIRE(store->set_ledger_pending(id, "p", "a text"));
      }
      REQUIRE(store->verify()->empty());
      CHECK((*Store::open(file, OpenMode::ReadOnly))->verify()->empty());
    }
    run_sql(file,
            "UPDATE updates SET data = x'00' WHERE doc = 2; UPDATE snapshot_states SET state = "
            "x'00' WHERE doc = 2;"
            "DELETE FROM snapshot_states WHERE doc = 3; UPDATE ledger_bases SET base = x'00' WHERE "
            "id = 2;"
            "UPDATE ledger_pending SET text = x'00' WHERE id = 3; DELETE FROM ledger_bases WHERE "
            "id = 4;"
            "INSERT INTO updates VALUES (99, 1, 0, 0, 0, x'00'); INSERT INTO snapshot_states "
            "VALUES (98, x'00');"
            "INSERT INTO ledger_bases VALUES (97, x'00'); INSERT INTO ledger_pending VALUES (96, "
            "'p', x'00', x'00')");
    const auto faults = create(file)->verify();
    REQUIRE(faults);
    for (const char* part :
         {"\"flipped\": update 2", "\"flipped\": the snapshot", "\"lost\": the snapshot",
          "\"base\": the base", "\"pending\": the pending", "\"baseless\": the base",
          "updates without a document: 1", "snapshots without a document: 1",
          "ledger texts without an entry: 2"}) {
      CAPTURE(std::string(part));
      int found = 0;
      for (const std::string& fault : *faults)
        found += fault.find(part) != std::string::npos ? 1 : 0;
      CHECK(found == 1);
    }
    CHECK(faults->size() == 9);
  }

  TEST_CASE("a flipped bit anywhere in the file is found, or changes nothing that we can see") {
    const test::TempDir dir;
    const auto file = dir.path() / "store.db";
    {
      auto store = create(file);
      for (int i = 0; i < 20; ++i)
        REQUIRE(store->append(one("doc" + std::to_string(i % 4), std::string(300, 'x'))));
      REQUIRE(store->fold("doc1", {2, Buffer(6000, 7)}));
    }
    const std::string whole = dir.read("store.db");
    int found = 0;
    int changed = 0;
    const auto state = [](Store& store) -> std::string {
      std::string all;
      const auto docs = store.list_docs("");
      if (!docs) return "error";
      for (const DocStat& stat : *docs) {
        const auto doc = store.load(stat.doc);
        if (!doc) return "error";
        all += stat.doc + "=";
        if (doc->snapshot) all += as_text(doc->snapshot->state);
        for (const StoredUpdate& u : doc->updates)
          all += std::to_string(u.seq) + std::string(as_text(u.data));
      }
      return all;
    };
    const std::string expected = state(*create(file));
    for (std::size_t at = 0; at < whole.size(); at += 61) {
      std::string damaged = whole;
      damaged[at] = static_cast<char>(damaged[at] ^ (1 << (at % 8)));
      dir.write("damaged.db", damaged);
      const auto store = Store::open(dir.path() / "damaged.db", OpenMode::ReadOnly);
      const bool fault = !store || !(*store)->verify() || !(*store)->verify()->empty();
      found += fault ? 1 : 0;
      if (!fault && state(**store) != expected) ++changed;
      remove_wal(dir.path() / "damaged.db");
    }
    CHECK(found > 150);
    CHECK(changed == 0);
    MESSAGE("bits found: ", found, ", unnoticed changes: ", changed);
  }

  TEST_CASE("a full disk is told as such, and what was committed stays") {
    const test::TempDir dir;
    const auto mounted = dir.path() / "disk";
    std::filesystem::create_directory(mounted);
    if (::mount("none", mounted.c_str(), "tmpfs", 0, "size=1m") != 0) {
      MESSAGE("cannot mount: skipped");
      return;
    }
    {
      auto store = create(mounted / "store.db");
      std::int64_t committed = 0;
      Status appended;
      while (appended && committed < 1000) {
        appended = store->append(one("a", std::string(20'000, 'x')));
        if (appended) ++committed;
      }
      REQUIRE_FALSE(appended);
      CHECK(appended.error().code == ErrorCode::NoSpace);
      CHECK(appended.error().message.find("store.db") != std::string::npos);
      CHECK_FALSE(appended.error().hint.empty());
      CHECK(committed > 5);
      CHECK(*store->last_seq("a") == committed);
      CHECK(store->verify()->empty());
    }
    CHECK(::umount2(mounted.c_str(), MNT_DETACH) == 0);
  }

  TEST_CASE("numbers of an update that were changed are found too") {
    for (const char* sql : {"UPDATE updates SET seq = 2", "UPDATE updates SET origin = 0",
                            "UPDATE updates SET time_ms = 9"}) {
      const test::TempDir dir;
      const auto file = dir.path() / "store.db";
      REQUIRE(create(file)->append(one("a", "1")));
      run_sql(file, sql);
      CHECK(create(file)->load("a").error().code == ErrorCode::Corrupt);
    }
  }

  TEST_CASE("a store cut short or with a table missing is corrupt, not empty") {
    const test::TempDir dir;
    const auto file = dir.path() / "store.db";
    {
      auto store = create(file);
      for (int i = 0; i < 50; ++i) REQUIRE(store->append(one("a", std::string(3000, 'x'))));
    }
    std::filesystem::copy(file, dir.path() / "dropped.db");
    run_sql(dir.path() / "dropped.db", "DROP TABLE updates");
    CHECK(create(dir.path() / "dropped.db")->load("a").error().code == ErrorCode::Corrupt);
    std::filesystem::resize_file(file, 20'000);
    const auto store = Store::open(file, OpenMode::ReadWrite);
    const ErrorCode code = store ? (*store)->load("a").error().code : store.error().code;
    CHECK(code == ErrorCode::Corrupt);
  }

  TEST_CASE("a store that is removed while it is open takes no more changes") {
    const test::TempDir dir;
    const auto file = dir.path() / "store.db";
    auto store = create(file);
    REQUIRE(store->append(one("a", "1")));
    std::filesystem::rename(file, dir.path() / "moved.db");
    const auto appended = store->append(one("a", "2"));
    REQUIRE_FALSE(appended);
    CHECK(appended.error().code == ErrorCode::Io);
    CHECK(appended.error().message.find("removed") != std::string::npos);
    std::filesystem::rename(dir.path() / "moved.db", file);
    CHECK(store->append(one("a", "2")));
  }

  TEST_CASE("a failed write spoils its transaction: nothing of it is kept") {
    const test::TempDir dir;
    const auto file = dir.path() / "store.db";
    auto store = create(file);
    REQUIRE(store->set_meta("k", "before"));
    run_sql(file, "DROP TABLE ledger_bases");
    {
      auto transaction = store->begin();
      REQUIRE(transaction);
      REQUIRE(store->set_meta("k", "inside"));
      LedgerEntry entry;
      entry.file_id = "f";
      CHECK_FALSE(store->put_ledger(entry));
      CHECK_FALSE(store->set_meta("k", "after the failure"));
      const auto committed = transaction->commit();
      REQUIRE_FALSE(committed);
      CHECK(committed.error().code == ErrorCode::Corrupt);
    }
    CHECK(**store->meta("k") == "before");
    CHECK(store->set_meta("k", "a new one works"));
  }

  TEST_CASE("the WAL is emptied by a checkpoint, and a reader does not make that an error") {
    const test::TempDir dir;
    const auto file = dir.path() / "store.db";
    auto store = create(file);
    REQUIRE(store->append(one("a", "0")));
    REQUIRE(store->append(one("a", std::string(100'000, 'x'))));
    const auto wal = dir.path() / "store.db-wal";
    CHECK(std::filesystem::file_size(wal) > 100'000);
    auto reader = Store::open(file, OpenMode::ReadOnly);
    auto moment = (*reader)->begin();
    REQUIRE((*reader)->load("a"));
    REQUIRE(store->append(one("a", "2")));
    REQUIRE(moment->commit());
    CHECK(store->checkpoint());
    CHECK(std::filesystem::file_size(wal) == 0);
  }
}
