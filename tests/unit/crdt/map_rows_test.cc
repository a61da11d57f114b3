// Maps of many entries: loading them takes the rows of decode.cc and runs.h, and a map whose keys
// came one after the other has no table.
#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "engine/base/random.h"
#include "engine/codec/any.h"
#include "engine/crdt/branch.h"
#include "engine/crdt/check.h"
#include "engine/crdt/doc.h"
#include "engine/crdt/events.h"
#include "engine/crdt/state.h"
#include "engine/crdt/structs/key_table.h"
#include "engine/crdt/update.h"

namespace diaryx::crdt {
namespace {

struct History {
  std::vector<Buffer> updates;
  Buffer v1;
  Buffer v2;
  Buffer half;  // The state vector of somebody who missed the second half.
  std::map<std::string, codec::Any> values;
};

// The same with the members of objects by key.
codec::Any sorted(codec::Any value) {
  if (auto* object = value.get<codec::AnyObject>()) {
    std::sort(object->begin(), object->end(),
              [](const auto& a, const auto& b) { return a.first < b.first; });
    for (auto& [key, member] : *object) member = sorted(std::move(member));
  }
  if (auto* array = value.get<codec::AnyArray>()) {
    for (codec::Any& element : *array) element = sorted(std::move(element));
  }
  return value;
}

// By key: a map's own order is that in which the keys came.
std::map<std::string, codec::Any> values_of(Doc& doc) {
  std::map<std::string, codec::Any> values;
  for (const std::string name : {"files", "other"}) {
    doc.map(name).for_each([&](std::string_view key, const Value& value) {
      values[name + "." + std::string(key)] = std::get<codec::Any>(value);
    });
  }
  doc.map("records").visit([&](std::string_view key, const ValueView& value) {
    values["records." + std::string(key)] = sorted(value.any());
  });
  return values;
}

codec::Any some_value(SeededRandom& random) {
  switch (random.below(8)) {
    case 0:
      return codec::Any(3.5);
    case 1:
      return codec::Any(true);
    case 2:
      return codec::Any(std::string("\u00fc\U0001F600"));
    case 3:
      return codec::Any(random.text(100 + random.below(300), "abc "));
    default:
      return codec::Any(random.text(random.below(40), "abc "));
  }
}

// A map in a map, with maps and lists of its own: a few entries of it are set, or it goes, or
// something else comes in its place.
void change_record(Doc& doc, SeededRandom& random) {
  Map records = doc.map("records");
  const std::string name = "record " + std::to_string(random.below(25));
  const auto type_under = [&](Map map, std::string_view key, TypeKind kind) {
    const auto there = map.view(key);
    const auto type = there ? there->type() : std::nullopt;
    return type && doc.kind_of(*type) == kind ? *type : map.set_type(key, kind);
  };
  switch (random.below(12)) {
    case 0:
      return records.erase(name);
    case 1:
      return records.set(name, some_value(random));
    default:
      break;
  }
  doc.transact([&] {
    Map record(type_under(records, name, TypeKind::Map));
    for (std::uint64_t n = 1 + random.below(5); n > 0; --n) {
      const std::string key = "field " + std::to_string(random.below(6));
      switch (random.below(6)) {
        case 0:
          Map(type_under(record, key, TypeKind::Map)).set("in it", some_value(random));
          break;
        case 1:
          Array(type_under(record, key, TypeKind::Array)).push({some_value(random)});
          break;
        case 2:
          record.erase(key);
          break;
        default:
          record.set(key, some_value(random));
      }
    }
  });
}

// Two who set, remove and set again keys of two maps, and now and then see what the other did.
History write(std::uint64_t seed, int edits) {
  SeededRandom random(seed);
  Doc first({.client_id = 1'234'567'890});
  Doc second({.client_id = 77});
  History history;
  const auto keep = [&](const TransactionSummary& summary) {
    if (summary.local) history.updates.emplace_back(summary.update.begin(), summary.update.end());
  };
  first.observe(keep);
  second.observe(keep);
  std::size_t shared = 0;
  for (int i = 0; i < edits; ++i) {
    Doc& doc = random.below(4) == 0 ? second : first;
    if (random.below(4) == 0) change_record(doc, random);
    Map map = doc.map(random.below(12) == 0 ? "other" : "files");
    // Mostly new ones, each longer than the one before it for a while.
    const std::uint64_t number = random.below(3) > 0
                                     ? static_cast<std::uint64_t>(i)
                                     : random.below(static_cast<std::uint64_t>(edits));
    const std::string key = std::string(number % 40, 'k') + std::to_string(number);
    if (random.below(10) == 0) {
      map.erase(key);
    } else {
      map.set(key, some_value(random));
    }
    if (i % 100 == 99) {
      for (; shared < history.updates.size(); ++shared) {
        REQUIRE(first.apply_update(history.updates[shared]));
        REQUIRE(second.apply_update(history.updates[shared]));
      }
    }
    if (i == edits / 2) history.half = first.encode_state_vector();
  }
  for (; shared < history.updates.size(); ++shared)
    REQUIRE(first.apply_update(history.updates[shared]));
  history.v1 = first.encode_state_as_update();
  history.v2 = first.encode_state_as_update_v2();
  history.values = values_of(first);
  return history;
}

void expect(Doc& doc, const History& history) {
  REQUIRE(check_document(doc.state()));
  const bool same_values = values_of(doc) == history.values;
  REQUIRE(same_values);
  REQUIRE(doc.encode_state_as_update() == history.v1);
  REQUIRE(doc.encode_state_as_update_v2() == history.v2);
  REQUIRE_FALSE(doc.has_pending());
}

}  // namespace

TEST_SUITE("crdt/map_rows") {
  TEST_CASE("a map of many entries is the same however it came") {
    for (std::uint64_t seed = 1; seed < 5; ++seed) {
      const History history = write(seed, 1200);
      const std::vector<Bytes> all(history.updates.begin(), history.updates.end());
      Doc by_v1({.client_id = 5});
      REQUIRE(by_v1.apply_update(history.v1));
      expect(by_v1, history);
      REQUIRE(by_v1.apply_update(history.v1));  // Twice.
      expect(by_v1, history);
      Doc by_v2({.client_id = 5});
      REQUIRE(by_v2.apply_update_v2(history.v2));
      expect(by_v2, history);
      Doc one_by_one({.client_id = 5});
      for (const Bytes update : all) REQUIRE(one_by_one.apply_update(update));
      expect(one_by_one, history);
      Doc merged({.client_id = 5});
      REQUIRE(merged.apply_update(merge_updates_v1(all).value()));
      expect(merged, history);
      Doc partly({.client_id = 5});
      for (std::size_t i = 0; i < all.size() / 3; ++i) REQUIRE(partly.apply_update(all[i]));
      REQUIRE(partly.apply_update(history.v1));
      expect(partly, history);
      // The second half first: it waits.
      Doc late({.client_id = 5});
      REQUIRE(late.apply_update(diff_update_v1(history.v1, history.half).value()));
      REQUIRE(late.apply_update(history.v1));
      expect(late, history);
    }
  }

  TEST_CASE("who observes a map that is loaded is told every key once") {
    const History history = write(7, 600);
    Doc doc({.client_id = 5});
    std::map<std::string, int> told;
    doc.observe(doc.map("files").ref(), [&](const Event& event) {
      for (const auto& change : event.keys()) ++told[change.key];
    });
    REQUIRE(doc.apply_update(history.v1));
    CHECK(told.size() >= doc.map("files").size());
    for (const auto& [key, times] : told) REQUIRE(times == 1);
    doc.map("files").for_each(
        [&](std::string_view key, const Value&) { REQUIRE(told.count(std::string(key)) == 1); });
  }

  TEST_CASE("an update of a map that is bad somewhere changes nothing") {
    const History history = write(6, 300);
    SeededRandom random(9);
    int refused = 0;
    for (int round = 0; round < 600; ++round) {
      Buffer bad = history.v1;
      if (random.below(4) == 0) {
        bad.resize(random.below(bad.size()));
      } else {
        bad[random.below(bad.size())] = static_cast<std::uint8_t>(random.below(256));
      }
      Doc doc({.client_id = 5});
      if (round % 4 < 2) REQUIRE(doc.apply_update(history.updates[0]));
      const Buffer before = doc.encode_state_as_update();
      if (doc.apply_update(bad)) continue;
      ++refused;
      REQUIRE(doc.encode_state_as_update() == before);
      REQUIRE(doc.apply_update(history.v1));
      expect(doc, history);
    }
    CHECK(refused > 50);
  }

  TEST_CASE(
      "entries are found while their keys count up, when these stop to, and when not at all") {
    for (const KeyIx gap_at : {0U, 5U, 8U, 9U, 10U, 300U, 1000U}) {
      MapEntries entries;
      const auto key_of = [&](KeyIx i) {
        return 40 + i + (i >= gap_at ? (i * 7919) % 1009 * 3 : 0);
      };
      for (KeyIx i = 0; i < 1000; ++i) {
        const KeyIx key = key_of(i);
        const bool known = entries.find(key) != nullptr;
        const std::size_t before = entries.size();
        entries.add(key).last = i;
        REQUIRE(entries.size() == before + (known ? 0 : 1));
        REQUIRE(entries.find(39) == nullptr);
        REQUIRE(entries.find(100'000) == nullptr);
      }
      std::map<KeyIx, ItemIx> last;
      for (KeyIx i = 0; i < 1000; ++i) last[key_of(i)] = i;
      REQUIRE(entries.size() == last.size());
      for (const auto& [key, item] : last) {
        REQUIRE(entries.find(key) != nullptr);
        REQUIRE(entries.find(key)->last == item);
      }
    }
  }

  TEST_CASE("a value can be looked at where it lies") {
    Doc doc({.client_id = 5});
    Map map = doc.map("m");
    map.set("text", "\u00fc");
    map.set("number", 3.5);
    map.set("octets", codec::Any(Buffer{1, 2}));
    map.set("gone", "x");
    map.erase("gone");
    Array list(map.set_type("list", TypeKind::Array));
    list.push({codec::Any("a"), codec::Any(true), codec::Any("c")});
    list.push_type({TypeKind::Map});
    list.erase(0, 1);
    CHECK_FALSE(map.view("gone"));
    CHECK(map.view("text")->text() == "\u00fc");
    CHECK_FALSE(map.view("text")->type());
    CHECK_FALSE(map.view("number")->text());
    CHECK_FALSE(map.view("octets")->text());
    CHECK(map.view("list")->type() == list.ref());
    CHECK_FALSE(map.view("list")->text());
    CHECK(map.view("list")->any() ==
          codec::Any(codec::AnyArray{true, "c", codec::Any(codec::AnyObject{})}));
    std::size_t seen = 0;
    map.visit([&](std::string_view key, const ValueView& view) {
      ++seen;
      CHECK(view.value() == map.get(key));
    });
    CHECK(seen == 4);
    std::vector<Value> elements;
    list.visit([&](const ValueView& view) { elements.push_back(view.value()); });
    REQUIRE(elements.size() == 3);
    for (std::uint64_t i = 0; i < 3; ++i) CHECK(elements[i] == list.get(i));
  }

  TEST_CASE("a length that is longer than it need be is not kept so") {
    const auto entry = [](Buffer& update, std::string_view key, Bytes length, std::size_t size) {
      for (const std::string_view part : {std::string_view("\x28\x01\x05"
                                                           "files\x01"),
                                          key, std::string_view("\x01w")})
        update.insert(update.end(), part.begin(), part.end());
      update.insert(update.end(), length.begin(), length.end());
      update.insert(update.end(), size, 'x');
    };
    const std::uint8_t padded[] = {0x83, 0x00};
    const std::uint8_t shortest[] = {0x03};
    const std::uint8_t hundred[] = {100};
    Buffer odd{1, 3, 5, 0};
    Buffer plain = odd;
    for (Buffer* update : {&odd, &plain}) {
      entry(*update, "a", Bytes(shortest), 3);
      entry(*update, "b", update == &odd ? Bytes(padded) : Bytes(shortest), 3);
      entry(*update, "c", Bytes(hundred), 100);
      update->push_back(0);
    }
    Doc doc({.client_id = 9});
    REQUIRE(doc.apply_update(odd));
    CHECK(doc.encode_state_as_update() == plain);
  }

  TEST_CASE("names that were taken back are new again, and the others are still known") {
    KeyTable names;
    const auto name_of = [](std::size_t i) { return std::string(i % 30, 'n') + std::to_string(i); };
    for (std::size_t size = 1; size < 900; size += 7) {
      for (std::size_t i = 0; i < size; ++i) REQUIRE(names.intern(name_of(i)) == i);
      for (std::size_t i = 0; i < 200; ++i) REQUIRE(names.intern(name_of(10'000 + i)) == size + i);
      names.truncate(size);
      REQUIRE(names.size() == size);
      for (std::size_t i = 0; i < size; ++i) REQUIRE(names.find(name_of(i)) == i);
      for (std::size_t i = 0; i < 200; ++i) REQUIRE(names.find(name_of(10'000 + i)) == kNone);
    }
  }
}

}  // namespace diaryx::crdt
