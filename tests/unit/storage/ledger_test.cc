#include <doctest/doctest.h>

#include "engine/storage/store.h"

using namespace diaryx;
using namespace diaryx::storage;

namespace {

std::unique_ptr<Store> memory_store() {
  auto store = Store::open(":memory:", OpenMode::Create);
  REQUIRE(store);
  return std::move(*store);
}

LedgerEntry entry(std::string id, std::string path, std::string base) {
  LedgerEntry e;
  e.file_id = std::move(id);
  e.path = std::move(path);
  e.base_hash = sha256(as_bytes(base));
  e.size = base.size();
  e.base = std::move(base);
  e.mtime_ns = 1'700'000'000'123'456'789;
  e.inode = 0xFFFF'FFFF'FFFF'FFFEU;
  return e;
}

}  // namespace

TEST_SUITE("storage/ledger") {
  TEST_CASE("an entry comes back as it was put, octet for octet") {
    auto store = memory_store();
    const std::string base("\xFF\0 not UTF-8\r\n", 14);
    REQUIRE(store->put_ledger(entry("f1", "journal/a.md", base)));
    const auto got = store->ledger("f1");
    REQUIRE(got);
    REQUIRE(*got);
    CHECK((*got)->file_id == "f1");
    CHECK((*got)->path == "journal/a.md");
    CHECK((*got)->base == base);
    CHECK((*got)->base_hash == sha256(as_bytes(base)));
    CHECK((*got)->size == base.size());
    CHECK((*got)->mtime_ns == 1'700'000'000'123'456'789);
    CHECK((*got)->inode == 0xFFFF'FFFF'FFFF'FFFEU);
    CHECK_FALSE((*got)->pending);
    CHECK_FALSE(store->ledger("f2")->has_value());
  }

  TEST_CASE("an entry that is put again is replaced, base and all") {
    auto store = memory_store();
    REQUIRE(store->put_ledger(entry("f1", "a.md", "old")));
    REQUIRE(store->put_ledger(entry("f1", "b.md", "")));
    const auto got = store->ledger("f1");
    REQUIRE(*got);
    CHECK((*got)->path == "b.md");
    CHECK((*got)->base.empty());
    CHECK(store->ledger_stamps()->size() == 1);
  }

  TEST_CASE("what is pending is kept beside the base until it is put or given up") {
    auto store = memory_store();
    REQUIRE(store->put_ledger(entry("f1", "a.md", "old")));
    REQUIRE(store->set_ledger_pending("f1", "b.md", "new"));
    auto got = store->ledger("f1");
    REQUIRE(*got);
    CHECK((*got)->path == "a.md");
    CHECK((*got)->base == "old");
    REQUIRE((*got)->pending);
    CHECK(*(*got)->pending == "new");
    CHECK((*got)->pending_path == "b.md");
    CHECK((*store->ledger_stamps())[0].has_pending);

    REQUIRE(store->set_ledger_pending("f1", "b.md", "newer"));
    CHECK(*(*store->ledger("f1"))->pending == "newer");

    REQUIRE(store->clear_ledger_pending("f1"));
    got = store->ledger("f1");
    CHECK_FALSE((*got)->pending);
    CHECK((*got)->base == "old");

    REQUIRE(store->set_ledger_pending("f1", "b.md", "new"));
    REQUIRE(store->put_ledger(entry("f1", "b.md", "new")));
    got = store->ledger("f1");
    CHECK_FALSE((*got)->pending);
    CHECK((*got)->base == "new");
    CHECK_FALSE((*store->ledger_stamps())[0].has_pending);
  }

  TEST_CASE("a pending text may be empty: the whole new file is empty") {
    auto store = memory_store();
    REQUIRE(store->put_ledger(entry("f1", "a.md", "old")));
    REQUIRE(store->set_ledger_pending("f1", "a.md", ""));
    const auto got = store->ledger("f1");
    REQUIRE((*got)->pending);
    CHECK((*got)->pending->empty());
  }

  TEST_CASE("a file's first write makes an entry without a path, and giving it up takes it away") {
    auto store = memory_store();
    REQUIRE(store->set_ledger_pending("f1", "a.md", "text"));
    const auto got = store->ledger("f1");
    REQUIRE(*got);
    CHECK((*got)->path.empty());
    CHECK((*got)->base.empty());
    CHECK(*(*got)->pending == "text");
    CHECK(store->ledger_stamps()->size() == 1);
    REQUIRE(store->clear_ledger_pending("f1"));
    CHECK_FALSE(store->ledger("f1")->has_value());
  }

  TEST_CASE("only the stat part changes when a file was touched") {
    auto store = memory_store();
    REQUIRE(store->put_ledger(entry("f1", "a.md", "text")));
    REQUIRE(store->put_ledger_stat("f1", 4, 99, 7));
    const auto stamps = store->ledger_stamps();
    REQUIRE(stamps->size() == 1);
    CHECK((*stamps)[0].mtime_ns == 99);
    CHECK((*stamps)[0].inode == 7);
    CHECK((*stamps)[0].base_hash == sha256(as_bytes("text")));
    CHECK((*store->ledger("f1"))->base == "text");
    CHECK(store->put_ledger_stat("f2", 4, 99, 7).error().code == ErrorCode::NotFound);
    CHECK(store->clear_ledger_pending("f2").error().code == ErrorCode::NotFound);
  }

  TEST_CASE("a removed entry is gone, with its pending text; removing it again is no error") {
    auto store = memory_store();
    REQUIRE(store->put_ledger(entry("f1", "a.md", "text")));
    REQUIRE(store->set_ledger_pending("f1", "a.md", "more"));
    REQUIRE(store->remove_ledger("f1"));
    REQUIRE(store->remove_ledger("f1"));
    CHECK_FALSE(store->ledger("f1")->has_value());
    // A new row may get the old number: nothing of the old one may hang on it.
    REQUIRE(store->put_ledger(entry("f2", "a.md", "other")));
    CHECK_FALSE((*store->ledger("f2"))->pending);
  }

  TEST_CASE("a base whose hash is another one is not handed out") {
    auto store = memory_store();
    LedgerEntry wrong = entry("f1", "a.md", "text");
    wrong.base = "tixt";
    REQUIRE(store->put_ledger(wrong));
    const auto got = store->ledger("f1");
    REQUIRE_FALSE(got);
    CHECK(got.error().code == ErrorCode::Corrupt);
  }
}
