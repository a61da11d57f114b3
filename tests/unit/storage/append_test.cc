// Appending keeps in mind where a document's log ends; these are the ways in which that could be
// wrong.
#include <doctest/doctest.h>

#include "engine/storage/store.h"
#include "tests/support/temp_dir.h"

using namespace diaryx;
using storage::NewUpdate;
using storage::OpenMode;
using storage::Store;

namespace {

Status append(Store& store, const std::string& doc, std::uint8_t octet) {
  const std::vector<NewUpdate> updates{{doc, Buffer{octet}, storage::UpdateOrigin::Remote, 0}};
  return store.append(updates);
}

// "1:07 2:08": the log's numbers and octets.
std::string log_of(Store& store, const std::string& doc) {
  const auto stored = store.load(doc);
  REQUIRE(stored);
  std::string out;
  for (const auto& update : stored->updates) {
    out += (out.empty() ? "" : " ") + std::to_string(update.seq) + ":" +
           std::to_string(update.data.at(0));
  }
  return out;
}

std::unique_ptr<Store> open(const std::filesystem::path& file) {
  auto store = Store::open(file, OpenMode::Create);
  REQUIRE(store);
  return std::move(*store);
}

}  // namespace

TEST_SUITE("storage/append") {
  TEST_CASE("two who write to one store in turns number on") {
    test::TempDir dir;
    const auto one = open(dir.path() / "store.db");
    REQUIRE(append(*one, "d", 1));
    const auto two = open(dir.path() / "store.db");
    REQUIRE(append(*one, "d", 2));
    REQUIRE(append(*two, "d", 3));
    REQUIRE(append(*one, "d", 4));
    REQUIRE(append(*two, "d", 5));
    CHECK(log_of(*one, "d") == "1:1 2:2 3:3 4:4 5:5");
    REQUIRE(two->remove_doc("d"));
    REQUIRE(append(*one, "d", 6));
    CHECK(log_of(*two, "d") == "1:6");
  }

  TEST_CASE("a document of the same name is not the one that was renamed or removed") {
    const auto store = open(":memory:");
    REQUIRE(append(*store, "a", 1));
    REQUIRE(append(*store, "a", 2));
    REQUIRE(store->rename_doc("a", "b"));
    REQUIRE(append(*store, "a", 3));
    REQUIRE(append(*store, "b", 4));
    CHECK(log_of(*store, "a") == "1:3");
    CHECK(log_of(*store, "b") == "1:1 2:2 3:4");
    REQUIRE(store->remove_doc("a"));
    REQUIRE(append(*store, "a", 5));
    CHECK(log_of(*store, "a") == "1:5");
  }

  TEST_CASE("what a snapshot covers is not numbered again") {
    const auto store = open(":memory:");
    REQUIRE(append(*store, "a", 1));
    REQUIRE(store->fold("a", {7, Buffer{9}}));
    REQUIRE(append(*store, "a", 2));
    CHECK(log_of(*store, "a") == "8:2");
  }

  TEST_CASE("after a rollback it is as before") {
    const auto store = open(":memory:");
    REQUIRE(append(*store, "a", 1));
    {
      auto transaction = store->begin();
      REQUIRE(transaction);
      REQUIRE(append(*store, "a", 2));
      REQUIRE(append(*store, "new", 3));
    }
    REQUIRE(append(*store, "a", 4));
    REQUIRE(append(*store, "new", 5));
    CHECK(log_of(*store, "a") == "1:1 2:4");
    CHECK(log_of(*store, "new") == "1:5");
  }
}
