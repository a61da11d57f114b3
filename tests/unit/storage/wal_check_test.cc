// A write-ahead log with damage in it: told from one that a crash has torn.
#include "engine/storage/wal_check.h"

#include <doctest/doctest.h>

#include "engine/storage/salvage.h"
#include "engine/storage/store.h"
#include "tests/support/temp_dir.h"

using namespace diaryx;
using namespace diaryx::storage;

namespace {

constexpr std::size_t kHeader = 32;
constexpr std::size_t kFrame = 24 + 4096;

// The log of a store with a few transactions in it, as it is when the process is killed.
std::string make_log(const test::TempDir& dir) {
  const auto file = dir.path() / "store.db";
  auto store = Store::open(file, OpenMode::Create);
  REQUIRE(store);
  for (int i = 0; i < 8; ++i) {
    const NewUpdate update{"doc" + std::to_string(i % 2), Buffer(900, 'x'), UpdateOrigin::Local, i};
    REQUIRE((*store)->append({&update, 1}));
  }
  return dir.read("store.db-wal");
}

std::optional<std::string> fault_of(const std::string& log) {
  return wal_fault(as_bytes(log));
}

}  // namespace

TEST_SUITE("storage/wal_check") {
  TEST_CASE("a sound log, an empty one, and one cut off at any octet are no fault") {
    const test::TempDir dir;
    const std::string log = make_log(dir);
    REQUIRE(log.size() > kHeader + 7 * kFrame);
    CHECK_FALSE(fault_of(log));
    for (std::size_t size = 0; size < log.size(); size += 97)
      CHECK_FALSE(fault_of(log.substr(0, size)));
  }

  TEST_CASE("a flipped bit before the last transactions is found, wherever it is") {
    const test::TempDir dir;
    const std::string log = make_log(dir);
    const std::size_t safe_end = log.size() - 4 * kFrame;
    for (std::size_t at = 0; at < safe_end; at += 61) {
      std::string damaged = log;
      damaged[at] = static_cast<char>(damaged[at] ^ 8);
      CAPTURE(at);
      CHECK(fault_of(damaged));
    }
  }

  TEST_CASE("the last transaction may be torn: that is what a crash does") {
    const test::TempDir dir;
    std::string log = make_log(dir);
    log[log.size() - 100] ^= 1;
    CHECK_FALSE(fault_of(log));
  }

  TEST_CASE("a store with such a log is not opened for writing, and is reported by verify") {
    const test::TempDir dir;
    std::string log;
    std::string database;
    {
      const test::TempDir living;
      const auto file = living.path() / "store.db";
      auto store = Store::open(file, OpenMode::Create);
      REQUIRE(store);
      for (int i = 0; i < 8; ++i) {
        const NewUpdate update{"doc", Buffer(900, 'x'), UpdateOrigin::Local, i};
        REQUIRE((*store)->append({&update, 1}));
      }
      log = living.read("store.db-wal");
      database = living.read("store.db");
    }
    log[kHeader + kFrame + 500] ^= 1;
    dir.write("store.db", database);
    dir.write("store.db-wal", log);
    const auto refused = Store::open(dir.path() / "store.db", OpenMode::ReadWrite);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == ErrorCode::Corrupt);
    CHECK(dir.read("store.db-wal") == log);
    const auto reader = Store::open(dir.path() / "store.db", OpenMode::ReadOnly);
    REQUIRE(reader);
    const auto faults = (*reader)->verify();
    REQUIRE(faults);
    CHECK_FALSE(faults->empty());
  }
}

TEST_SUITE("storage/salvage") {
  TEST_CASE("of a sound store everything is read, and nothing is done to it") {
    const test::TempDir dir;
    const auto file = dir.path() / "store.db";
    {
      auto store = Store::open(file, OpenMode::Create);
      REQUIRE(store);
      const NewUpdate update{"doc", Buffer(900, 'x'), UpdateOrigin::Disk, 5};
      REQUIRE((*store)->append({&update, 1}));
      REQUIRE((*store)->fold("doc", {1, Buffer(5000, 's')}));
      REQUIRE((*store)->append({&update, 1}));
      LedgerEntry entry;
      entry.file_id = "f";
      entry.path = "a.md";
      entry.base = "text";
      entry.base_hash = sha256(as_bytes(entry.base));
      entry.pending = "new";
      entry.pending_path = "b.md";
      REQUIRE((*store)->put_ledger(entry));
      REQUIRE((*store)->set_meta("k", "v"));
    }
    const std::string before = dir.read("store.db");
    const auto found = salvage(file, dir.path());
    REQUIRE(found);
    CHECK(found->faults.empty());
    REQUIRE(found->docs.size() == 1);
    CHECK(found->docs[0].whole);
    CHECK(found->docs[0].stored.snapshot->state == Buffer(5000, 's'));
    REQUIRE(found->docs[0].stored.updates.size() == 1);
    CHECK(found->docs[0].stored.updates[0].seq == 2);
    CHECK(found->docs[0].stored.updates[0].origin == UpdateOrigin::Disk);
    CHECK(found->ledger.at("f").base == "text");
    CHECK(*found->ledger.at("f").pending == "new");
    CHECK(found->meta.at("k") == "v");
    CHECK(dir.read("store.db") == before);
    std::size_t files = 0;
    for (const auto& entry : std::filesystem::directory_iterator(dir.path())) {
      static_cast<void>(entry);
      ++files;
    }
    CHECK(files == 1);
  }

  TEST_CASE("with its first page gone, a store is read by that of a fresh one") {
    const test::TempDir dir;
    const auto file = dir.path() / "store.db";
    {
      auto store = Store::open(file, OpenMode::Create);
      REQUIRE(store);
      for (int i = 0; i < 30; ++i) {
        const NewUpdate update{"doc" + std::to_string(i), Buffer(400, 'x'), UpdateOrigin::Local, i};
        REQUIRE((*store)->append({&update, 1}));
      }
    }
    std::string damaged = dir.read("store.db");
    damaged.replace(0, 4096, std::string(4096, '\0'));
    dir.write("store.db", damaged);
    const auto found = salvage(file, dir.path());
    REQUIRE(found);
    CHECK_FALSE(found->faults.empty());
    CHECK(found->docs.size() == 30);
    for (const SalvagedDoc& doc : found->docs) CHECK(doc.whole);
  }

  TEST_CASE("one damaged row costs one document; a store of a newer version is left alone") {
    const test::TempDir dir;
    const auto file = dir.path() / "store.db";
    {
      auto store = Store::open(file, OpenMode::Create);
      REQUIRE(store);
      for (int i = 0; i < 10; ++i) {
        const std::string text = "the text of " + std::to_string(i);
        const NewUpdate update{"doc" + std::to_string(i), to_buffer(as_bytes(text)),
                               UpdateOrigin::Local, i};
        REQUIRE((*store)->append({&update, 1}));
      }
    }
    std::string damaged = dir.read("store.db");
    damaged[damaged.find("the text of 4")] ^= 1;
    dir.write("store.db", damaged);
    const auto found = salvage(file, dir.path());
    REQUIRE(found);
    CHECK(found->docs.size() == 10);
    for (const SalvagedDoc& doc : found->docs) CHECK(doc.whole == (doc.name != "doc4"));
    damaged[63] = 9;  // user_version, its last octet; and what the table says of it.
    damaged[damaged.find("schema_version") + 14] = '9';
    dir.write("store.db", damaged);
    CHECK(salvage(file, dir.path()).error().code == ErrorCode::TooNew);
    CHECK(dir.read("store.db") == damaged);
  }
}
