#include "engine/crdt/structs/list_index.h"

#include <vector>

#include <doctest/doctest.h>

#include "engine/base/random.h"

using namespace diaryx;
using namespace diaryx::crdt;

namespace {

// A list of items beside its index, and the same as a plain vector.
struct Model {
  ItemPool items;
  ListIndex index;
  ListIndex::Root root;
  std::vector<ItemIx> order;

  void insert(std::size_t place, std::uint64_t length, bool deleted) {
    Item item;
    item.kind = Kind::String;
    item.set_length(length);
    if (deleted) item.set(Item::kDeleted);
    const ItemIx ix = items.make(item);
    const ItemIx left = place > 0 ? order[place - 1] : kNone;
    order.insert(order.begin() + static_cast<std::ptrdiff_t>(place), ix);
    link();
    if (root.exists()) index.insert(root, items, left, ix);
  }
  void link() {
    for (std::size_t i = 0; i < order.size(); ++i) {
      items[order[i]].left = i > 0 ? order[i - 1] : kNone;
      items[order[i]].right = i + 1 < order.size() ? order[i + 1] : kNone;
    }
  }
  // The item at `place` becomes two; the first one keeps `kept` units.
  void cut(std::size_t place, std::uint64_t kept) {
    const ItemIx left = order[place];
    const ItemIx right = items.make(items[left]);
    items[right].set_length(items[right].length - kept);
    items[left].set_length(kept);
    order.insert(order.begin() + static_cast<std::ptrdiff_t>(place) + 1, right);
    link();
    index.cut(root, items, left, right);
  }
  // The items at `place` and behind it become one.
  void join(std::size_t place) {
    const ItemIx left = order[place];
    const ItemIx right = order[place + 1];
    index.join(root, items, left, right);
    items[left].set_length(items[left].length + items[right].length);
    order.erase(order.begin() + static_cast<std::ptrdiff_t>(place) + 1);
    link();
  }
  ItemIx start() const { return order.empty() ? kNone : order.front(); }
};

void check_everything(const Model& model) {
  REQUIRE(model.index.check(model.root, model.items, model.start()));
  std::uint64_t before = 0;
  for (const ItemIx ix : model.order) {
    REQUIRE(model.index.index_of(ix) == before);
    const std::uint64_t length = model.items[ix].visible_length();
    for (std::uint64_t k = 1; k <= length; ++k) {
      const ListIndex::Found found = model.index.find(model.root, before + k);
      REQUIRE(found.item == ix);
      REQUIRE(found.offset == k);
    }
    before += length;
  }
}

}  // namespace

TEST_SUITE("crdt/list_index") {
  TEST_CASE("an index built over a list finds every unit of it") {
    for (const std::size_t size : {0U, 1U, 31U, 32U, 33U, 1000U, 2100U}) {
      Model model;
      for (std::size_t i = 0; i < size; ++i) model.insert(i, i % 3 + 1, i % 4 == 0);
      model.index.build(model.root, model.items, model.start());
      check_everything(model);
    }
  }

  TEST_CASE("it stays right through random insertions, removals and changes of length") {
    SeededRandom random(7);
    Model model;
    model.index.build(model.root, model.items, kNone);
    for (int step = 0; step < 3000; ++step) {
      const std::uint64_t choice = random.below(model.order.size() < 400 ? 4 : 6);
      if (model.order.empty() || choice < 3) {
        model.insert(random.below(model.order.size() + 1), random.below(3) + 1,
                     random.below(3) == 0);
      } else if (choice == 3) {
        const ItemIx ix = model.order[random.below(model.order.size())];
        const std::int64_t before = static_cast<std::int64_t>(model.items[ix].visible_length());
        model.items[ix].set_length(random.below(4) + 1);
        model.index.add(ix, static_cast<std::int64_t>(model.items[ix].visible_length()) - before);
      } else {
        const std::size_t place = random.below(model.order.size());
        model.index.remove(model.root, model.order[place]);
        model.order.erase(model.order.begin() + static_cast<std::ptrdiff_t>(place));
        model.link();
      }
      if (step % 50 == 0) check_everything(model);
    }
    while (!model.order.empty()) {
      model.index.remove(model.root, model.order.back());
      model.order.pop_back();
      model.link();
    }
    check_everything(model);
    model.index.clear(model.root);
    CHECK_FALSE(model.root.exists());
  }

  TEST_CASE("it stays right where items are cut, grow and are joined") {
    SeededRandom random(8);
    Model model;
    model.index.build(model.root, model.items, kNone);
    for (std::size_t i = 0; i < 40; ++i) model.insert(i, 30, i % 4 == 0);
    for (int step = 0; step < 4000; ++step) {
      const std::size_t place = random.below(model.order.size());
      const ItemIx ix = model.order[place];
      Item& item = model.items[ix];
      const std::uint64_t choice = random.below(step % 1000 < 600 ? 4 : 8);
      if (choice < 2) {
        if (item.length > 1) model.cut(place, 1 + random.below(item.length - 1));
      } else if (choice == 2) {
        // Left to be done until somebody asks, whatever happens to the item before that.
        item.set_length(item.length + 1);
        model.index.add(ix, item.deleted() ? 0 : 1);
        if (random.below(2) == 0) model.cut(place, 1);
      } else if (place + 1 < model.order.size() &&
                 item.deleted() == model.items[model.order[place + 1]].deleted()) {
        model.join(place);
      }
      if (step % 50 == 0) check_everything(model);
    }
    check_everything(model);
  }
}
