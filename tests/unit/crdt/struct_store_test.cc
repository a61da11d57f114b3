#include "engine/crdt/structs/struct_store.h"

#include <algorithm>
#include <vector>

#include <doctest/doctest.h>

#include "engine/base/random.h"

using namespace diaryx;
using namespace diaryx::crdt;

TEST_SUITE("crdt/struct_store") {
  TEST_CASE("a clock is found after any splits and merges, as in a plain vector") {
    SeededRandom random(3);
    ClockList list;
    std::vector<Clock> model;
    Clock end = 0;
    for (int step = 0; step < 20000; ++step) {
      const std::uint64_t choice = random.below(10);
      if (model.empty() || choice < 3) {
        list.append({end, static_cast<ItemIx>(end)});
        model.push_back(end);
        end += random.below(20) + 1;
      } else if (choice < 8) {
        const Clock clock = random.below(end);
        const auto after = std::upper_bound(model.begin(), model.end(), clock);
        const ClockList::Place place = list.find(clock);
        REQUIRE(list[place].clock == *(after - 1));
        if (*(after - 1) != clock) {  // Split there.
          list.insert_after(place, {clock, static_cast<ItemIx>(clock)});
          model.insert(after, clock);
        }
      } else if (model.size() > 1) {
        const std::size_t at = random.below(model.size() - 1) + 1;
        list.erase(list.find(model[at]));
        model.erase(model.begin() + static_cast<std::ptrdiff_t>(at));
      }
    }
    REQUIRE(list.size() == model.size());
    ClockList::Place place = list.first();
    for (std::size_t i = 0; i < model.size(); ++i) {
      CHECK(list[place].clock == model[i]);
      CHECK(list.count_from(place) == model.size() - i);
      CHECK(list.next(place) == (i + 1 < model.size()));
    }
    for (std::size_t i = model.size() - 1; i > 0; --i) {
      REQUIRE(list.previous(place));
      CHECK(list[place].clock == model[i - 1]);
    }
    CHECK_FALSE(list.previous(place));
  }

  TEST_CASE("clients are listed with the highest id first, however they came") {
    StructStore store;
    for (const std::uint64_t id : {5ULL, 1ULL << 52U, 7ULL, 0ULL})
      CHECK(store.intern(id) == store.intern(id));
    std::vector<std::uint64_t> ids;
    for (const ClientIx ix : store.by_id_descending()) ids.push_back(store[ix].id);
    CHECK(ids == std::vector<std::uint64_t>{1ULL << 52U, 7, 5, 0});
    CHECK(store.find(6) == kNone);
    store.truncate(2);
    CHECK(store.find(7) == kNone);
    CHECK(store.find(5) == 0);
    CHECK(store.by_id_descending().size() == 2);
  }
}
