// What one append says of one document is one row. Whatever is asked for, it must be as if each
// update had a row of its own.
#include "engine/storage/own_rows.h"

#include <doctest/doctest.h>
#include <sqlite3.h>

#include "engine/storage/salvage.h"
#include "engine/storage/store.h"
#include "tests/support/temp_dir.h"

using namespace diaryx;
using namespace diaryx::storage;

namespace {

NewUpdate update_of(std::string doc, std::string_view text, std::int64_t time_ms = 1'000) {
  return {std::move(doc), to_buffer(as_bytes(text)), UpdateOrigin::Remote, time_ms};
}

std::unique_ptr<Store> open(const std::filesystem::path& file, OpenMode mode = OpenMode::Create) {
  auto store = Store::open(file, mode);
  REQUIRE(store);
  return std::move(*store);
}

// "1:ab 2:cd": the log's numbers and octets.
std::string log_of(Store& store, std::string_view doc) {
  const auto stored = store.load(doc);
  REQUIRE_MESSAGE(stored, (stored ? "" : stored.error().message));
  std::string out;
  for (const StoredUpdate& update : stored->updates) {
    out += (out.empty() ? "" : " ") + std::to_string(update.seq) + ":" +
           std::string(as_text(update.data));
  }
  return out;
}

std::int64_t rows(const std::filesystem::path& file) {
  sqlite3* db = nullptr;
  REQUIRE(sqlite3_open(file.c_str(), &db) == SQLITE_OK);
  sqlite3_stmt* statement = nullptr;
  REQUIRE(sqlite3_prepare_v2(db, "SELECT count(*) FROM updates", -1, &statement, nullptr) ==
          SQLITE_OK);
  REQUIRE(sqlite3_step(statement) == SQLITE_ROW);
  const std::int64_t found = sqlite3_column_int64(statement, 0);
  sqlite3_finalize(statement);
  sqlite3_close(db);
  return found;
}

}  // namespace

TEST_SUITE("storage/own_rows") {
  TEST_CASE("a row holds the small updates of one document that follow each other") {
    const auto length = [](const std::vector<NewUpdate>& updates) { return row_length(updates); };
    CHECK(length({update_of("a", "1")}) == 1);
    CHECK(length({update_of("a", "1"), update_of("a", "2"), update_of("b", "3")}) == 2);
    CHECK(length({update_of("a", "1"), update_of("b", "2"), update_of("a", "3")}) == 1);
    const std::string large(5'000, 'x');
    CHECK(length({update_of("a", large), update_of("a", "2")}) == 1);
    CHECK(length({update_of("a", "1"), update_of("a", large)}) == 1);
    // A clock that was set to before 1970 has no packed form.
    CHECK(length({update_of("a", "1", -1), update_of("a", "2")}) == 1);
    CHECK(length({update_of("a", "1"), update_of("a", "2", -1)}) == 1);
    // A row is a few pages, not a book.
    CHECK(length(std::vector<NewUpdate>(1'000, update_of("a", std::string(1'000, 'x')))) == 65);
  }

  TEST_CASE("updates of one document at one go are one row, and each reads as if it had its own") {
    const test::TempDir dir;
    const auto file = dir.path() / "store.db";
    const auto store = open(file);
    REQUIRE(store->append(std::vector<NewUpdate>{update_of("a", "eins", 5), update_of("a", "", 6),
                                                 update_of("a", "drei", 7), update_of("b", "x")}));
    CHECK(rows(file) == 2);
    REQUIRE(store->append(std::vector<NewUpdate>{update_of("a", "vier")}));
    REQUIRE(store->append(std::vector<NewUpdate>{update_of("a", "fünf"),
                                                 update_of("a", std::string(5'000, 'x')),
                                                 update_of("a", "sieben")}));
    CHECK(rows(file) == 6);
    const std::string want =
        "1:eins 2: 3:drei 4:vier 5:fünf 6:" + std::string(5'000, 'x') + " 7:sieben";
    const auto reader = open(file, OpenMode::ReadOnly);
    for (Store* one : {store.get(), reader.get()}) {
      CHECK(log_of(*one, "a") == want);
      CHECK(log_of(*one, "b") == "1:x");
      CHECK(*one->last_seq("a") == 7);
      CHECK(one->verify()->empty());
    }
    const auto stored = store->load("a");
    CHECK(stored->updates.at(2).time_ms == 7);
    CHECK(stored->updates.at(2).origin == UpdateOrigin::Remote);
    const auto found = salvage(file, dir.path());
    REQUIRE(found);
    CHECK(found->faults.empty());
    REQUIRE(found->docs.size() == 2);
    CHECK(found->docs[0].stored.updates.size() + found->docs[1].stored.updates.size() == 8);
  }

  TEST_CASE("a snapshot that covers a part of a row hides that part") {
    const test::TempDir dir;
    const auto store = open(dir.path() / "store.db");
    REQUIRE(store->append(std::vector<NewUpdate>(5, update_of("a", "x"))));
    REQUIRE(store->fold("a", {3, to_buffer(as_bytes("state"))}));
    CHECK(log_of(*store, "a") == "4:x 5:x");
    REQUIRE(store->append(std::vector<NewUpdate>(2, update_of("a", "y"))));
    CHECK(log_of(*store, "a") == "4:x 5:x 6:y 7:y");
    REQUIRE(store->fold("a", {7, to_buffer(as_bytes("state"))}));
    CHECK(log_of(*store, "a").empty());
    CHECK(*store->last_seq("a") == 7);
  }

  TEST_CASE("an update in a row that is not what was written is refused, and the others saved") {
    const test::TempDir dir;
    const auto file = dir.path() / "store.db";
    REQUIRE(open(file)->append(std::vector<NewUpdate>{
        update_of("a", "eins"), update_of("a", "zwei"), update_of("a", "drei")}));
    std::string octets = dir.read("store.db");
    const std::size_t at = octets.find("zwei");
    REQUIRE(at != std::string::npos);
    octets[at] = 'Z';
    dir.write("store.db", octets);
    const auto store = open(file, OpenMode::ReadOnly);
    CHECK_FALSE(store->verify()->empty());
    CHECK(store->load("a").error().code == ErrorCode::Corrupt);
    const auto found = salvage(file, dir.path());
    REQUIRE(found);
    REQUIRE(found->docs.size() == 1);
    CHECK_FALSE(found->docs[0].whole);
    CHECK(found->docs[0].stored.updates.size() == 2);
  }
}
