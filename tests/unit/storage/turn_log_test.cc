// What is appended to many documents at one go is one row. Whatever is asked for, it must be as if
// each update had a row of its own.
#include <functional>
#include <map>

#include <doctest/doctest.h>
#include <sqlite3.h>

#include "engine/base/random.h"
#include "engine/storage/packed.h"
#include "engine/storage/salvage.h"
#include "engine/storage/store.h"
#include "tests/support/temp_dir.h"

using namespace diaryx;
using namespace diaryx::storage;

namespace {

std::unique_ptr<Store> open(const std::filesystem::path& file, OpenMode mode = OpenMode::Create) {
  auto store = Store::open(file, mode);
  REQUIRE_MESSAGE(store, (store ? "" : store.error().message));
  return std::move(*store);
}

std::string name_of(std::uint64_t n) {
  return "body/" + std::to_string(n);
}

NewUpdate update_of(std::uint64_t doc, std::string_view text) {
  return {name_of(doc), to_buffer(as_bytes(text)), UpdateOrigin::Remote, 1'000};
}

// One update of each of `docs` documents, from `first` on.
std::vector<NewUpdate> turn_of(std::uint64_t docs, std::string_view text, std::uint64_t first = 0) {
  std::vector<NewUpdate> updates;
  for (std::uint64_t n = first; n < first + docs; ++n) updates.push_back(update_of(n, text));
  return updates;
}

// "1:ab 2:cd": the log's numbers and octets.
std::string log_of(Store& store, std::uint64_t doc) {
  const auto stored = store.load(name_of(doc));
  REQUIRE_MESSAGE(stored, (stored ? "" : stored.error().message));
  std::string out;
  for (const StoredUpdate& update : stored->updates) {
    out += (out.empty() ? "" : " ") + std::to_string(update.seq) + ":" +
           std::string(as_text(update.data));
  }
  return out;
}

// The one number that `sql` gives, read beside us.
std::int64_t number(const std::filesystem::path& file, const char* sql) {
  sqlite3* db = nullptr;
  REQUIRE(sqlite3_open(file.c_str(), &db) == SQLITE_OK);
  sqlite3_stmt* statement = nullptr;
  REQUIRE(sqlite3_prepare_v2(db, sql, -1, &statement, nullptr) == SQLITE_OK);
  const int rc = sqlite3_step(statement);
  const std::int64_t found = rc == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : -1;
  sqlite3_finalize(statement);
  sqlite3_close(db);
  return found;
}

constexpr const char* kTurnRows = "SELECT count(*) FROM updates WHERE doc = 0";
constexpr const char* kOwnRows = "SELECT count(*) FROM updates WHERE doc <> 0";

}  // namespace

TEST_SUITE("storage/turn_log") {
  TEST_CASE("a row that is cut anywhere gives entries that are whole, or says that it is cut") {
    Buffer row;
    for (std::int64_t n = 1; n <= 5; ++n) {
      const Buffer data(static_cast<std::size_t>(n * 40), static_cast<std::uint8_t>(n));
      pack(row, {n * 1'000, n, 1'700'000'000'000, n - 1, data});
    }
    for (std::size_t size = 0; size <= row.size(); ++size) {
      Unpacker entries({row.data(), size});
      std::int64_t n = 0;
      std::size_t used = 0;
      while (const auto entry = entries.next()) {
        ++n;
        CHECK(entry->good);
        CHECK(entry->doc == n * 1'000);
        CHECK(entry->data.size() == static_cast<std::size_t>(n * 40));
        used = static_cast<std::size_t>(entry->data.data() + entry->data.size() - row.data());
      }
      CHECK(entries.cut() == (used != size));
    }
    for (std::size_t at = 0; at < row.size(); ++at) {
      Buffer damaged = row;
      damaged[at] ^= 0x10U;
      Unpacker entries(damaged);
      bool good = true;
      while (const auto entry = entries.next()) good = good && entry->good;
      CHECK_FALSE((good && !entries.cut()));
    }
  }

  TEST_CASE("many documents at one go are one row, and each reads as if it had its own") {
    const test::TempDir dir;
    const auto file = dir.path() / "store.db";
    const auto store = open(file);
    REQUIRE(store->append(turn_of(20, "a")));
    REQUIRE(store->append(turn_of(20, "b")));
    CHECK(number(file, kTurnRows) == 2);
    CHECK(number(file, kOwnRows) == 0);
    const auto reader = open(file, OpenMode::ReadOnly);
    for (Store* one : {store.get(), reader.get()}) {
      CHECK(log_of(*one, 7) == "1:a 2:b");
      CHECK(*one->last_seq(name_of(7)) == 2);
      const auto docs = one->list_docs("body/");
      REQUIRE(docs);
      REQUIRE(docs->size() == 20);
      CHECK((*docs)[3].last_seq == 2);
      CHECK((*docs)[3].log_rows == 2);
      CHECK(one->verify()->empty());
      const auto stored = one->load(name_of(19));
      CHECK(stored->updates.at(1).time_ms == 1'000);
      CHECK(stored->updates.at(1).origin == UpdateOrigin::Remote);
    }
    // Somebody who was there before sees what is new.
    REQUIRE(store->append(turn_of(20, "c")));
    CHECK(log_of(*reader, 7) == "1:a 2:b 3:c");
    // Few, large, or all of one document: rows of the documents.
    REQUIRE(store->append(turn_of(3, "d", 30)));
    REQUIRE(store->append(turn_of(20, std::string(5'000, 'x'), 40)));
    REQUIRE(store->append(std::vector<NewUpdate>(20, update_of(70, "e"))));
    CHECK(number(file, kTurnRows) == 3);
    CHECK(number(file, kOwnRows) == 24);
  }

  TEST_CASE("what comes alone stands behind what the turns hold, for whoever reads") {
    const test::TempDir dir;
    const auto file = dir.path() / "store.db";
    const auto store = open(file);
    const auto other = open(file);
    const auto alone = [](Store& into, std::string_view text) {
      const NewUpdate update = update_of(5, text);
      REQUIRE(into.append({&update, 1}));
    };
    REQUIRE(store->append(turn_of(9, "a")));
    REQUIRE(store->append(turn_of(9, "b")));
    alone(*store, "c");
    REQUIRE(store->append(turn_of(9, "d")));
    alone(*other, "e");
    REQUIRE(other->append(turn_of(9, "f")));
    REQUIRE(store->append(turn_of(9, "g")));
    for (const auto mode : {OpenMode::ReadOnly, OpenMode::ReadWrite}) {
      const auto fresh = open(file, mode);
      CHECK(log_of(*fresh, 5) == "1:a 2:b 3:c 4:d 5:e 6:f 7:g");
      CHECK(log_of(*fresh, 6) == "1:a 2:b 3:d 4:f 5:g");
    }
    CHECK(log_of(*store, 5) == "1:a 2:b 3:c 4:d 5:e 6:f 7:g");
    CHECK(log_of(*other, 6) == "1:a 2:b 3:d 4:f 5:g");
    CHECK(store->verify()->empty());
  }

  TEST_CASE("what was rolled back was never said") {
    const auto store = open(":memory:");
    REQUIRE(store->append(turn_of(9, "a")));
    {
      auto transaction = store->begin();
      REQUIRE(transaction);
      REQUIRE(store->append(turn_of(9, "lost")));
      CHECK(log_of(*store, 2) == "1:a 2:lost");
    }
    CHECK(log_of(*store, 2) == "1:a");
    REQUIRE(store->append(turn_of(9, "b")));
    CHECK(log_of(*store, 2) == "1:a 2:b");
  }

  TEST_CASE("a document that takes the number of one that was removed finds nothing of it") {
    const test::TempDir dir;
    const auto file = dir.path() / "store.db";
    {
      const auto store = open(file);
      REQUIRE(store->append(turn_of(9, "a")));
      REQUIRE(store->remove_doc(name_of(8)));
      REQUIRE(store->append(turn_of(1, "new", 50)));
      CHECK(log_of(*store, 50) == "1:new");
      REQUIRE(store->rename_doc(name_of(3), name_of(60)));
      CHECK(log_of(*store, 60) == "1:a");
    }
    CHECK(number(file, "SELECT max(id) FROM documents") == 9);  // The same number, or no test.
    const auto store = open(file);
    CHECK(log_of(*store, 50) == "1:new");
    CHECK(log_of(*store, 60) == "1:a");
    CHECK_FALSE(*store->exists(name_of(8)));
  }

  TEST_CASE("what a snapshot covers does not come back from the turns") {
    const test::TempDir dir;
    const auto file = dir.path() / "store.db";
    {
      const auto store = open(file);
      for (const char* text : {"a", "b", "c"}) REQUIRE(store->append(turn_of(9, text)));
      REQUIRE(store->fold(name_of(1), {3, Buffer{1}}));
      REQUIRE(store->fold(name_of(2), {2, Buffer{1}}));
      CHECK(log_of(*store, 1).empty());
      CHECK((*store->list_docs(name_of(1)))[0].log_rows == 0);
      CHECK(log_of(*store, 2) == "3:c");
      REQUIRE(store->append(turn_of(9, "d")));
    }
    const auto store = open(file);
    CHECK(log_of(*store, 1) == "4:d");
    CHECK(log_of(*store, 2) == "3:c 4:d");
    REQUIRE(store->checkpoint());
    CHECK(number(file, kTurnRows) == 0);
    CHECK(log_of(*store, 1) == "4:d");
    CHECK(log_of(*store, 2) == "3:c 4:d");
    CHECK(store->verify()->empty());
  }

  TEST_CASE("turns are moved out a few documents at a time, and at each moment all is there once") {
    const test::TempDir dir;
    const auto file = dir.path() / "store.db";
    auto store = open(file);
    SeededRandom random(4);
    std::map<std::uint64_t, std::string> expected;
    std::map<std::uint64_t, int> count;
    std::int64_t most_turns = 0;
    std::int64_t fewest_turns = 1'000;
    for (int turn = 0; turn < 160; ++turn) {
      std::vector<NewUpdate> updates;
      const std::uint64_t docs = 8 + random.below(140);
      for (std::uint64_t i = 0; i < docs; ++i) {
        const std::uint64_t doc = random.below(200);
        const std::string text =
            std::to_string(turn) + std::string(static_cast<std::size_t>(random.below(1'500)), '.');
        updates.push_back(update_of(doc, text));
        expected[doc] += (count[doc] == 0 ? "" : " ") + std::to_string(count[doc] + 1) + ":" + text;
        ++count[doc];
      }
      REQUIRE(store->append(updates));
      if (turn % 5 != 0) continue;
      const std::int64_t turns = number(file, kTurnRows);
      most_turns = std::max(most_turns, turns);
      if (turn > 100) fewest_turns = std::min(fewest_turns, turns);
      if (turn % 15 == 0) store = open(file);  // As after a crash in between.
      const auto reader = open(file, OpenMode::ReadOnly);
      for (const auto& [doc, log] : expected) {
        CHECK(log_of(*reader, doc) == log);
        CHECK(log_of(*store, doc) == log);
      }
      CHECK(reader->verify()->empty());
    }
    CHECK(most_turns < 120);
    CHECK(fewest_turns < 100);
    CHECK(number(file, "SELECT count(*) FROM updates WHERE doc <> 0 AND origin = 255") > 100);
  }

  TEST_CASE(
      "a turn that is not what was written is found, refused, and saved but for what is bad") {
    const test::TempDir dir;
    const auto file = dir.path() / "store.db";
    {
      const auto store = open(file);
      REQUIRE(store->append(turn_of(9, "eins")));
      REQUIRE(store->append(turn_of(9, "zwei")));
    }
    const auto whole = salvage(file, dir.path());
    REQUIRE(whole);
    CHECK(whole->faults.empty());
    REQUIRE(whole->docs.size() == 9);
    for (const SalvagedDoc& doc : whole->docs) {
      CHECK(doc.whole);
      CHECK(doc.stored.updates.size() == 2);
    }
    std::string octets = dir.read("store.db");
    const std::size_t at = octets.find("zwei");
    REQUIRE(at != std::string::npos);
    octets[at] = 'Z';
    dir.write("store.db", octets);
    const auto store = open(file, OpenMode::ReadOnly);
    CHECK(store->verify()->size() == 1);
    CHECK(store->load(name_of(0)).error().code == ErrorCode::Corrupt);
    const auto found = salvage(file, dir.path());
    REQUIRE(found);
    CHECK_FALSE(found->faults.empty());
    REQUIRE(found->docs.size() == 9);
    std::size_t updates = 0;
    for (const SalvagedDoc& doc : found->docs) {
      CHECK_FALSE(doc.whole);
      updates += doc.stored.updates.size();
    }
    CHECK(updates == 17);
  }
}
