#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "engine/storage/checksum.h"
#include "engine/storage/store.h"

using namespace diaryx;
using namespace diaryx::storage;

namespace {

std::unique_ptr<Store> memory_store() {
  auto store = Store::open(":memory:", OpenMode::Create);
  REQUIRE(store);
  return std::move(*store);
}

NewUpdate update(std::string doc, std::string_view data, std::int64_t time_ms = 5) {
  return {std::move(doc), to_buffer(as_bytes(data)), UpdateOrigin::Remote, time_ms};
}

Buffer bytes(std::string_view text) {
  return to_buffer(as_bytes(text));
}

std::string all_updates(const StoredDoc& doc) {
  std::string text;
  for (const StoredUpdate& u : doc.updates)
    text += std::to_string(u.seq) + ":" + std::string(as_text(u.data)) + " ";
  return text;
}

}  // namespace

TEST_SUITE("storage/checksum") {
  TEST_CASE("the checksum is CRC-32C, in one piece or several") {
    CHECK(crc32c(0, as_bytes("123456789")) == 0xE3069283U);
    CHECK(crc32c(0, Buffer(32, 0)) == 0x8A9136AAU);     // RFC 3720, B.4
    CHECK(crc32c(0, Buffer(32, 0xFF)) == 0x62A8AB43U);  // the same
    const std::string text = "some text that is longer than two words of eight octets";
    for (std::size_t cut = 0; cut <= text.size(); ++cut) {
      CHECK(crc32c(crc32c(0, as_bytes(text.substr(0, cut))), as_bytes(text.substr(cut))) ==
            crc32c(0, as_bytes(text)));
      CHECK(crc32c_by_tables(7, as_bytes(text.substr(cut))) ==
            crc32c(7, as_bytes(text.substr(cut))));
    }
  }
}

TEST_SUITE("storage/documents") {
  TEST_CASE("what was appended is loaded in order, document by document") {
    auto store = memory_store();
    REQUIRE(store->append(std::vector<NewUpdate>{update("a", "1"), update("b", "x"),
                                                 update("a", "2"), update("a", "")}));
    REQUIRE(store->append(std::vector<NewUpdate>{update("a", std::string_view("\0z", 2), 77)}));
    const auto a = store->load("a");
    REQUIRE(a);
    CHECK_FALSE(a->snapshot);
    CHECK(all_updates(*a) == std::string("1:1 2:2 3: 4:\0z ", 16));
    CHECK(a->updates[3].time_ms == 77);
    CHECK(a->updates[3].origin == UpdateOrigin::Remote);
    CHECK(all_updates(*store->load("b")) == "1:x ");
    CHECK(*store->last_seq("a") == 4);
  }

  TEST_CASE("a document that was never written does not exist and loads empty") {
    auto store = memory_store();
    CHECK_FALSE(*store->exists("a"));
    CHECK(*store->last_seq("a") == 0);
    const auto doc = store->load("a");
    REQUIRE(doc);
    CHECK_FALSE(doc->exists());
  }

  TEST_CASE("a document with only a log and one with only a snapshot both exist") {
    auto store = memory_store();
    REQUIRE(store->append(std::vector<NewUpdate>{update("log", "1")}));
    REQUIRE(store->fold("snapshot", {0, bytes("state")}));
    CHECK(*store->exists("log"));
    CHECK(*store->exists("snapshot"));
    CHECK(store->load("log")->exists());
    CHECK(store->load("snapshot")->exists());
    CHECK(store->list_docs("")->size() == 2);
  }

  TEST_CASE(
      "a fold keeps the updates after the one that it covers, and numbers are never used twice") {
    auto store = memory_store();
    REQUIRE(store->append(
        std::vector<NewUpdate>{update("a", "1"), update("a", "2"), update("a", "3")}));
    REQUIRE(store->fold("a", {2, bytes("one and two")}));
    auto doc = store->load("a");
    REQUIRE(doc);
    REQUIRE(doc->snapshot);
    CHECK(doc->snapshot->covers_seq == 2);
    CHECK(as_text(doc->snapshot->state) == "one and two");
    CHECK(all_updates(*doc) == "3:3 ");

    REQUIRE(store->fold("a", {3, bytes("all")}));
    CHECK(store->load("a")->updates.empty());
    CHECK(*store->last_seq("a") == 3);
    REQUIRE(store->append(std::vector<NewUpdate>{update("a", "4")}));
    CHECK(all_updates(*store->load("a")) == "4:4 ");
  }

  TEST_CASE("a snapshot that covers less than the stored one is refused") {
    auto store = memory_store();
    REQUIRE(store->append(std::vector<NewUpdate>{update("a", "1"), update("a", "2")}));
    REQUIRE(store->fold("a", {2, bytes("both")}));
    const auto folded = store->fold("a", {1, bytes("one")});
    REQUIRE_FALSE(folded);
    CHECK(folded.error().code == ErrorCode::Conflict);
    CHECK(as_text(store->load("a")->snapshot->state) == "both");
    REQUIRE(store->fold("a", {2, bytes("both, again")}));
    CHECK(as_text(store->load("a")->snapshot->state) == "both, again");
  }

  TEST_CASE("a renamed document keeps snapshot, log and numbers; the old name is free") {
    auto store = memory_store();
    REQUIRE(
        store->append(std::vector<NewUpdate>{update("path/a.md", "1"), update("path/a.md", "2")}));
    REQUIRE(store->fold("path/a.md", {1, bytes("s")}));
    REQUIRE(store->rename_doc("path/a.md", "body/7"));
    CHECK_FALSE(*store->exists("path/a.md"));
    const auto doc = store->load("body/7");
    REQUIRE(doc);
    CHECK(as_text(doc->snapshot->state) == "s");
    CHECK(all_updates(*doc) == "2:2 ");
    REQUIRE(store->append(std::vector<NewUpdate>{update("path/a.md", "new")}));
    CHECK(all_updates(*store->load("path/a.md")) == "1:new ");

    CHECK(store->rename_doc("path/a.md", "body/7").error().code == ErrorCode::AlreadyExists);
    CHECK(store->rename_doc("path/gone.md", "body/8").error().code == ErrorCode::NotFound);
    CHECK(store->rename_doc("body/7", "").error().code == ErrorCode::InvalidArgument);
  }

  TEST_CASE("a removed document is gone with all it had; removing it again is no error") {
    auto store = memory_store();
    REQUIRE(store->append(
        std::vector<NewUpdate>{update("a", "1"), update("a", "2"), update("ab", "x")}));
    REQUIRE(store->fold("a", {1, bytes("s")}));
    REQUIRE(store->remove_doc("a"));
    REQUIRE(store->remove_doc("a"));
    CHECK_FALSE(*store->exists("a"));
    CHECK_FALSE(store->load("a")->exists());
    CHECK(all_updates(*store->load("ab")) == "1:x ");
  }

  TEST_CASE("documents are listed by prefix, sorted, with what they weigh") {
    auto store = memory_store();
    REQUIRE(store->append(std::vector<NewUpdate>{update("body/b", "12345"), update("body/a", "1"),
                                                 update("body/b", "678"), update("body", "1"),
                                                 update("bodz", "1"), update("workspace", "1")}));
    REQUIRE(store->fold("body/b", {1, bytes("snapshot")}));
    const auto docs = store->list_docs("body/");
    REQUIRE(docs);
    REQUIRE(docs->size() == 2);
    CHECK((*docs)[0].doc == "body/a");
    const DocStat& b = (*docs)[1];
    CHECK(b.doc == "body/b");
    CHECK(b.last_seq == 2);
    CHECK(b.log_rows == 1);
    CHECK(b.log_bytes == 3);
    CHECK(b.snapshot_bytes == 8);
    CHECK(store->list_docs("")->size() == 5);
    CHECK(store->list_docs("nothing")->empty());
  }

  TEST_CASE("names that cannot be names are refused before anything is written") {
    auto store = memory_store();
    const auto empty = store->append(std::vector<NewUpdate>{update("a", "1"), update("", "2")});
    REQUIRE_FALSE(empty);
    CHECK(empty.error().code == ErrorCode::InvalidArgument);
    CHECK_FALSE(store->append(std::vector<NewUpdate>{update(std::string("a\0b", 3), "1")}));
    CHECK_FALSE(*store->exists("a"));
  }

  TEST_CASE("a transaction that is not committed leaves nothing, one that is leaves all") {
    auto store = memory_store();
    {
      auto transaction = store->begin();
      REQUIRE(transaction);
      REQUIRE(store->append(std::vector<NewUpdate>{update("a", "1")}));
      CHECK(*store->exists("a"));
    }
    CHECK_FALSE(*store->exists("a"));
    {
      auto transaction = store->begin();
      REQUIRE(transaction);
      REQUIRE(store->append(std::vector<NewUpdate>{update("a", "1")}));
      REQUIRE(store->append(std::vector<NewUpdate>{update("a", "2")}));
      REQUIRE(store->set_meta("k", "v"));
      REQUIRE(transaction->commit());
    }
    CHECK(all_updates(*store->load("a")) == "1:1 2:2 ");
    CHECK(**store->meta("k") == "v");
  }

  TEST_CASE("a refusal inside a transaction does not spoil it") {
    auto store = memory_store();
    auto transaction = store->begin();
    REQUIRE(transaction);
    REQUIRE(store->append(std::vector<NewUpdate>{update("a", "1"), update("b", "1")}));
    CHECK_FALSE(store->rename_doc("a", "b"));
    REQUIRE(transaction->commit());
    CHECK(*store->exists("a"));
  }
}
