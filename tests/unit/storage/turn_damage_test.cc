// A turn that is not what was written costs the documents that it names, and no others.
#include "engine/storage/turn_damage.h"

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "engine/base/random.h"
#include "engine/storage/packed.h"
#include "engine/storage/salvage.h"
#include "engine/storage/store.h"
#include "tests/support/temp_dir.h"

using namespace diaryx;
using namespace diaryx::storage;

namespace {

std::string name_of(std::uint64_t n) {
  return "body/" + std::to_string(n);
}

void append_turn(Store& store, std::uint64_t first, std::string_view text) {
  std::vector<NewUpdate> updates;
  for (std::uint64_t n = first; n < first + 9; ++n)
    updates.push_back({name_of(n), to_buffer(as_bytes(text)), UpdateOrigin::Remote, 1'000});
  REQUIRE(store.append(updates));
}

std::string text_of(Store& store, std::uint64_t n) {
  const auto stored = store.load(name_of(n));
  if (!stored) {
    CHECK(stored.error().code == ErrorCode::Corrupt);
    CHECK_FALSE(stored.error().hint.empty());
    return "refused";
  }
  std::string out;
  for (const StoredUpdate& update : stored->updates) out += as_text(update.data);
  return out;
}

// Two turns of nine documents each; the texts are not found elsewhere.
void make_store(const std::filesystem::path& file) {
  const auto store = Store::open(file, OpenMode::Create);
  REQUIRE(store);
  append_turn(**store, 0, "eins-");
  append_turn(**store, 20, "zwei-");
}

std::string octets_of(const Buffer& buffer) {
  return std::string(as_text(buffer));
}

}  // namespace

TEST_SUITE("storage/turn_damage") {
  TEST_CASE("whose a row is can be told whichever bit is flipped") {
    Buffer row;
    std::set<std::int64_t> all;
    SeededRandom random(1);
    for (std::int64_t n = 0; n < 12; ++n) {
      // Numbers of one and of several octets, texts of several lengths.
      const std::int64_t doc = n % 2 == 0 ? n + 1 : n * 1'000;
      const Buffer data(static_cast<std::size_t>(random.next() % 200),
                        static_cast<std::uint8_t>(n));
      pack(row, {doc, n * 70 + 1, 1'700'000'000'000, n % 4, data});
      all.insert(doc);
    }
    const auto is_document = [](std::int64_t doc) { return doc > 0 && doc < 20'000; };
    CHECK(owners_of(row, is_document).docs == all);
    for (std::size_t bit = 0; bit < row.size() * 8; ++bit) {
      row[bit / 8] = static_cast<std::uint8_t>(row[bit / 8] ^ (1U << bit % 8));
      const TurnOwners found = owners_of(row, is_document);
      CAPTURE(bit);
      CHECK(found.all);
      CHECK(found.docs == all);
      row[bit / 8] = static_cast<std::uint8_t>(row[bit / 8] ^ (1U << bit % 8));
    }
    // What is torn has nobody's name.
    const TurnOwners cut = owners_of(Bytes(row).first(row.size() - 1), is_document);
    CHECK_FALSE(cut.all);
    std::fill(row.begin() + 40, row.begin() + 90, std::uint8_t{0});
    CHECK_FALSE(owners_of(row, is_document).all);
  }

  TEST_CASE("the documents of a damaged turn are refused, all others go on") {
    const test::TempDir dir;
    const auto file = dir.path() / "store.db";
    make_store(file);
    std::string damaged = dir.read("store.db");
    damaged[damaged.find("eins-")] = 'E';
    dir.write("store.db", damaged);
    {
      const auto store = Store::open(file, OpenMode::ReadWrite);
      REQUIRE(store);
      for (std::uint64_t n = 0; n < 9; ++n) {
        CHECK(text_of(**store, n) == "refused");
        CHECK(text_of(**store, n + 20) == "zwei-");
      }
      CHECK((*store)->verify()->size() == 1);
      append_turn(**store, 20, "drei-");
      append_turn(**store, 40, "vier-");
      const NewUpdate alone{name_of(21), to_buffer(as_bytes("allein")), UpdateOrigin::Local, 1};
      REQUIRE((*store)->append({&alone, 1}));
      CHECK(text_of(**store, 20) == "zwei-drei-");
      CHECK(text_of(**store, 21) == "zwei-drei-allein");
      const NewUpdate more{name_of(3), to_buffer(as_bytes("lost?")), UpdateOrigin::Local, 1};
      CHECK((*store)->append({&more, 1}).error().code == ErrorCode::Corrupt);
      CHECK((*store)->remove_doc(name_of(22)).error().code == ErrorCode::Corrupt);
      REQUIRE((*store)->checkpoint());
    }
    const auto store = Store::open(file, OpenMode::ReadWrite);
    REQUIRE(store);
    CHECK(text_of(**store, 0) == "refused");
    CHECK(text_of(**store, 21) == "zwei-drei-allein");
    CHECK(text_of(**store, 48) == "vier-");
    const auto found = salvage(file, dir.path());
    REQUIRE(found);
    for (const SalvagedDoc& doc : found->docs) {
      if (doc.name == name_of(8)) CHECK(octets_of(doc.stored.updates.at(0).data) == "eins-");
    }
  }

  TEST_CASE(
      "a bit of a turn that is flipped gives no wrong text, and is refused as far as needed") {
    const test::TempDir dir;
    const auto file = dir.path() / "store.db";
    make_store(file);
    const std::string whole = dir.read("store.db");
    // The row of the first turn with its columns, and the beginning of the second.
    const std::size_t begin = std::min(whole.find("eins-"), whole.find("zwei-")) - 30;
    const std::size_t end = std::max(whole.rfind("eins-"), whole.rfind("zwei-")) + 5;
    REQUIRE(end - begin < 600);
    int all_refused = 0;
    int harmless = 0;
    int tried = 0;
    for (std::size_t bit = begin * 8; bit < end * 8; ++bit) {
      std::string damaged = whole;
      damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
      dir.write("damaged.db", damaged);
      const auto store = Store::open(dir.path() / "damaged.db", OpenMode::ReadOnly);
      CAPTURE(bit - begin * 8);
      ++tried;
      int refused = 0;
      if (!store) {
        CHECK(store.error().code == ErrorCode::Corrupt);
        refused = 18;
      }
      for (std::uint64_t n = 0; store && n < 9; ++n) {
        const std::string one = text_of(**store, n);
        const std::string other = text_of(**store, n + 20);
        CHECK((one == "eins-" || one == "refused"));
        CAPTURE(other);
        CHECK((other == "zwei-" || other == "refused"));
        refused += (one == "refused" ? 1 : 0) + (other == "refused" ? 1 : 0);
      }
      // A few say nothing, or nothing that cannot be told from the rest.
      if (refused == 0) ++harmless;
      if (refused > 9) ++all_refused;
    }
    MESSAGE("of ", tried, " bits ", harmless, " cost nothing, ", all_refused,
            " more than one turn");
    CHECK(harmless < 20);
    CHECK(all_refused < tried / 8);
  }
}
