// The clocks of a section, counted instead of searched.
#include "engine/crdt/structs/section_index.h"

#include <doctest/doctest.h>

namespace diaryx::crdt {
namespace {

// Items with lengths that `length_of` gives, from clock `start` on.
template <class LengthOf>
Section stage(ItemPool& items, std::size_t count, Clock start, LengthOf length_of) {
  Section section{0, static_cast<ItemIx>(items.size()), 0};
  Clock clock = start;
  for (std::size_t i = 0; i < count; ++i) {
    Item& item = items[items.make_last()];
    item.client = 0;
    item.set_clock(clock);
    item.set_length(static_cast<Clock>(length_of(i)));
    clock = item.end();
  }
  section.end = static_cast<ItemIx>(items.size());
  return section;
}

}  // namespace

TEST_SUITE("crdt/section_index") {
  TEST_CASE("every clock leads to the struct that holds it") {
    ItemPool items;
    (void)stage(items, 3, 0, [](std::size_t) { return 1; });  // The section is not the first.
    const Section section =
        stage(items, 2000, 71, [](std::size_t i) { return i % 130 == 7 ? 300 : 1 + i * i % 9; });
    SectionIndex index;
    index.build(items, section);
    for (ItemIx ix = section.next; ix < section.end; ++ix) {
      for (Clock clock = items[ix].clock; clock < items[ix].end(); ++clock) {
        REQUIRE(index.contains(clock));
        REQUIRE(index.find(clock) == ix);
      }
    }
    CHECK_FALSE(index.contains(70));
    CHECK_FALSE(index.contains(items[section.end - 1].end()));
  }

  TEST_CASE("few structs, and structs far apart, get none") {
    ItemPool items;
    SectionIndex index;
    index.build(items, stage(items, 1000, 0, [](std::size_t) { return 1; }));
    CHECK(index.contains(0));
    index.build(items, stage(items, 10, 0, [](std::size_t) { return 1; }));
    CHECK_FALSE(index.contains(0));
    index.build(items, stage(items, 1000, 0,
                             [](std::size_t i) { return i == 500 ? std::size_t{1} << 50U : 1; }));
    CHECK_FALSE(index.contains(0));
  }
}

}  // namespace diaryx::crdt
