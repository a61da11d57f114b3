#include "engine/crdt/events.h"

#include <algorithm>
#include <map>

#include <doctest/doctest.h>

#include "engine/base/random.h"
#include "engine/crdt/doc.h"

using namespace diaryx;
using namespace diaryx::crdt;

namespace {

using Kind = DeltaOp::Kind;

codec::Any plain(const Value& value) {
  return std::get<codec::Any>(value);
}

std::vector<Value> values(std::initializer_list<codec::Any> list) {
  return std::vector<Value>(list.begin(), list.end());
}

template <class T>
bool both_are(const DeltaOp& a, const DeltaOp& b) {
  const T* left = std::get_if<T>(&a.insert);
  const T* right = std::get_if<T>(&b.insert);
  return left != nullptr && right != nullptr && *left == *right;
}

bool same(const std::vector<DeltaOp>& a, const std::vector<DeltaOp>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) {
    return x.kind == y.kind && x.length == y.length && x.attributes == y.attributes &&
           (both_are<std::string>(x, y) || both_are<codec::Any>(x, y) || both_are<TypeRef>(x, y));
  });
}

// Marks may part what has the same attributes, and their order is not that of the shadow.
std::vector<DeltaOp> content(Text text) {
  std::vector<DeltaOp> joined;
  for (DeltaOp& op : text.to_delta()) {
    std::sort(op.attributes.begin(), op.attributes.end(),
              [](const auto& x, const auto& y) { return x.first < y.first; });
    if (!joined.empty() && joined.back().attributes == op.attributes) {
      std::get<std::string>(joined.back().insert) += std::get<std::string>(op.insert);
    } else {
      joined.push_back(std::move(op));
    }
  }
  return joined;
}

// The deltas of a text's transactions.
struct TextLog {
  explicit TextLog(Text text) {
    text.ref().doc->observe(text.ref(),
                            [this](const Event& event) { deltas.push_back(event.text_delta()); });
  }
  std::vector<std::vector<DeltaOp>> deltas;
};

DeltaOp insert(std::string text, Attributes attributes = {}) {
  return {Kind::Insert, std::move(text), 0, std::move(attributes)};
}
DeltaOp retain(std::uint64_t length, Attributes attributes = {}) {
  return {Kind::Retain, {}, length, std::move(attributes)};
}
DeltaOp erase(std::uint64_t length) {
  return {Kind::Delete, {}, length};
}

}  // namespace

TEST_SUITE("crdt/events") {
  TEST_CASE("typing on is told as an insertion behind what was there") {
    Doc doc({.client_id = 1});
    Text text = doc.text("t");
    TextLog log(text);
    text.insert(0, "ab");
    text.insert(2, "cdé");
    doc.transact([&] {
      text.insert(5, "x");
      text.erase(0, 2);
      text.insert(1, "y");
    });
    REQUIRE(log.deltas.size() == 3);
    CHECK(same(log.deltas[0], {insert("ab")}));
    CHECK(same(log.deltas[1], {retain(2), insert("cdé")}));
    CHECK(same(log.deltas[2], {erase(2), retain(1), insert("y"), retain(2), insert("x")}));
  }

  TEST_CASE("what came and went in one transaction is not told") {
    Doc doc({.client_id = 1});
    Text text = doc.text("t");
    Map map = doc.map("m");
    text.insert(0, "ab");
    TextLog log(text);
    std::vector<std::string> keys;
    std::size_t changes = 0;
    doc.observe(map.ref(), [&](const Event& event) {
      keys = event.keys_changed();
      changes = event.keys().size();
    });
    doc.transact([&] {
      text.insert(1, "xyz");
      text.erase(1, 3);
      map.set("k", 1);
      map.erase("k");
    });
    REQUIRE(log.deltas.size() == 1);
    CHECK(log.deltas[0].empty());
    CHECK(keys == std::vector<std::string>{"k"});
    CHECK(changes == 0);
  }

  TEST_CASE("formats and embeds are in the delta, null where an attribute ends") {
    Doc doc({.client_id = 1});
    Text text = doc.text("t");
    text.insert(0, "hello", {{"bold", true}});
    TextLog log(text);
    text.format(1, 3, {{"bold", codec::Null{}}, {"color", "red"}});
    text.insert_embed(5, codec::AnyObject{{"img", "i"}}, {{"size", 2}});
    REQUIRE(log.deltas.size() == 2);
    CHECK(same(log.deltas[0], {retain(1), retain(3, {{"bold", codec::Null{}}, {"color", "red"}})}));
    DeltaOp image{Kind::Insert, codec::Any(codec::AnyObject{{"img", "i"}}), 0, {{"size", 2}}};
    CHECK(same(log.deltas[1], {retain(5), image}));
  }

  TEST_CASE("a list tells what came and went, and old values outlive the collector") {
    Doc doc({.client_id = 1, .gc = true});
    Array array = doc.array("a");
    array.insert(0, {1, "two", 3, 4});
    std::vector<ListOp> delta;
    std::vector<Value> added, deleted;
    doc.observe(array.ref(), [&](const Event& event) {
      delta = event.list_delta();
      added = event.added();
      deleted = event.deleted();
      CHECK(event.text_delta().empty());
      CHECK(event.keys().empty());
    });
    doc.transact([&] {
      array.erase(1, 2);
      array.insert(2, {"end"});
      array.insert(0, {"front", codec::Null{}});
    });
    const std::vector<ListOp> expected = {{ListOp::Kind::Insert, values({"front", codec::Null{}})},
                                          {ListOp::Kind::Retain, {}, 1},
                                          {ListOp::Kind::Delete, {}, 2},
                                          {ListOp::Kind::Retain, {}, 1},
                                          {ListOp::Kind::Insert, values({"end"})}};
    CHECK(delta == expected);
    CHECK(added == values({"front", codec::Null{}, "end"}));
    CHECK(deleted == values({"two", 3}));
  }

  TEST_CASE("a map tells its keys' old values, whoever overwrote them") {
    Doc a({.client_id = 1, .gc = true});
    Map map = a.map("m");
    map.set("stays", 1);
    map.set("goes", codec::AnyObject{{"q", 1}});
    map.set("changes", "old");
    Doc b({.client_id = 2});
    REQUIRE(b.apply_update(a.encode_state_as_update()));
    b.transact([&] {
      b.map("m").set("changes", "between");
      b.map("m").set("changes", "new");
      b.map("m").erase("goes");
      b.map("m").set("comes", true);
    });
    std::vector<KeyChange> keys;
    bool local = true;
    Origin origin = 0;
    a.observe(map.ref(), [&](const Event& event) {
      keys = event.keys();
      local = event.local();
      origin = event.origin();
    });
    REQUIRE(a.apply_update(b.encode_state_as_update(), 77));
    using Action = KeyChange::Action;
    const std::vector<KeyChange> expected = {
        {"changes", Action::Update, codec::Any("old")},
        {"comes", Action::Add, codec::Any()},
        {"goes", Action::Delete, codec::Any(codec::AnyObject{{"q", 1}})}};
    std::sort(keys.begin(), keys.end(),
              [](const KeyChange& x, const KeyChange& y) { return x.key < y.key; });
    CHECK(keys == expected);
    CHECK_FALSE(local);
    CHECK(origin == 77);
  }

  TEST_CASE("deep observers get all events below them at once, the nearest first, with paths") {
    Doc doc({.client_id = 1});
    Map root = doc.map("m");
    Array list(root.set_type("list", TypeKind::Array));
    list.insert(0, {0, 1});
    Text text(list.insert_type(2, TypeKind::Text));
    int calls = 0;
    doc.observe_deep(root.ref(), [&](const Events& events) {
      ++calls;
      REQUIRE(events.size() == 3);
      CHECK(events[0]->target() == root.ref());
      CHECK(events[0]->path().empty());
      CHECK(events[1]->target() == list.ref());
      CHECK(events[1]->path() == std::vector<PathKey>{"list"});
      CHECK(events[2]->target() == text.ref());
      CHECK(events[2]->path() == std::vector<PathKey>{"list", std::uint64_t{3}});
      for (const Event* event : events) CHECK(event->current_target() == root.ref());
    });
    doc.observe_deep(list.ref(), [&](const Events& events) {
      ++calls;
      REQUIRE(events.size() == 2);
      CHECK(events[1]->path() == std::vector<PathKey>{std::uint64_t{3}});
      CHECK(events[1]->current_target() == list.ref());
    });
    doc.transact([&] {
      text.insert(0, "deep");
      list.insert(0, {"front"});
      root.set("k", 1);
    });
    CHECK(calls == 2);
  }

  TEST_CASE("a type that is new or gone has no events of its own") {
    Doc doc({.client_id = 1});
    Map root = doc.map("m");
    Map old(root.set_type("old", TypeKind::Map));
    std::vector<TypeRef> told;
    const auto note = [&](const Event& event) { told.push_back(event.target()); };
    doc.observe(old.ref(), note);
    doc.observe_deep(root.ref(), [&](const Events& events) {
      for (const Event* event : events) note(*event);
    });
    doc.transact([&] {
      old.set("k", 1);
      root.erase("old");
      Map(root.set_type("new", TypeKind::Map)).set("k", 1);
    });
    CHECK(told == std::vector<TypeRef>{root.ref()});
  }

  TEST_CASE("what an observer edits is a transaction of its own, told after this one") {
    Doc doc({.client_id = 1});
    Doc mirror({.client_id = 2});
    Map map = doc.map("m");
    Text text = doc.text("t");
    std::vector<std::string> order;
    doc.observe([&](const TransactionSummary& summary) {
      order.push_back("update of " + std::to_string(summary.origin));
      REQUIRE(mirror.apply_update(summary.update));
    });
    doc.observe(text.ref(), [&](const Event& event) {
      order.push_back("event of " + std::to_string(event.origin()));
      if (event.origin() == 2) return;
      doc.transact([&] { text.insert(text.length(), "!"); }, 2);
      doc.transact([&] { map.set("length", static_cast<double>(text.length())); }, 3);
      CHECK(text.to_string() == "hi!");
      order.push_back("edited");
    });
    doc.transact([&] { text.insert(0, "hi"); }, 1);
    const std::vector<std::string> expected = {"event of 1", "edited",      "update of 1",
                                               "event of 2", "update of 2", "update of 3"};
    CHECK(order == expected);
    CHECK(text.to_string() == "hi!");
    CHECK(mirror.encode_state_as_update() == doc.encode_state_as_update());
    REQUIRE(doc.check_invariants());
  }

  TEST_CASE("an observer of updates may edit, and apply updates") {
    Doc other({.client_id = 9});
    other.text("t").insert(0, "from elsewhere ");
    Doc doc({.client_id = 1});
    Doc mirror({.client_id = 2});
    int calls = 0;
    doc.observe([&](const TransactionSummary& summary) {
      REQUIRE(mirror.apply_update(summary.update));
      if (++calls == 1) REQUIRE(doc.apply_update(other.encode_state_as_update(), 5));
      if (calls == 2) doc.text("t").erase(0, 5);
    });
    doc.text("t").insert(0, "here");
    CHECK(calls == 3);
    CHECK(mirror.encode_state_as_update() == doc.encode_state_as_update());
    CHECK(mirror.text("t").to_string() == doc.text("t").to_string());
    REQUIRE(doc.check_invariants());
  }

  TEST_CASE("an event can be asked inside a transaction of its observer") {
    Doc doc({.client_id = 1});
    Map map = doc.map("m");
    Text text = doc.text("t");
    map.set("k", "old");
    std::vector<KeyChange> keys;
    std::vector<DeltaOp> delta;
    doc.observe(text.ref(), [&](const Event& event) {
      if (event.origin() != 1) return;
      doc.transact([&] { delta = event.text_delta(); }, 2);
    });
    doc.observe(map.ref(), [&](const Event& event) {
      if (event.origin() != 1) return;
      doc.transact(
          [&] {
            doc.map("other").set("x", 1);
            keys = event.keys();
            CHECK(event.origin() == 1);
          },
          2);
    });
    doc.transact(
        [&] {
          map.set("k", "new");
          text.insert(0, "abc");
        },
        1);
    REQUIRE(keys.size() == 1);
    CHECK(keys[0].action == KeyChange::Action::Update);
    CHECK(plain(keys[0].old_value) == codec::Any("old"));
    CHECK(same(delta, {insert("abc")}));
  }

  TEST_CASE("observers come and go while they are called") {
    Doc doc({.client_id = 1});
    Text text = doc.text("t");
    std::string called;
    std::uint64_t first = 0, second = 0;
    first = doc.observe(text.ref(), [&](const Event&) {
      called += '1';
      doc.unobserve(first);
      doc.unobserve(second);
      doc.observe(text.ref(), [&called](const Event&) { called += '3'; });
    });
    second = doc.observe(text.ref(), [&](const Event&) { called += '2'; });
    std::uint64_t summary = 0;
    summary = doc.observe([&](const TransactionSummary&) {
      called += 's';
      doc.unobserve(summary);
    });
    text.insert(0, "a");
    CHECK(called == "1s");
    text.insert(0, "b");
    CHECK(called == "1s3");
  }

  TEST_CASE("useless marks that an event comes upon go only where formats are cleaned") {
    // Two replicas make the same text bold at once; the second mark says nothing new.
    for (const bool cleans : {false, true}) {
      Doc a({.client_id = 1, .clean_formats = cleans});
      Doc b({.client_id = 2});
      a.text("t").insert(0, "word");
      REQUIRE(b.apply_update(a.encode_state_as_update()));
      a.text("t").format(0, 4, {{"bold", true}});
      b.text("t").format(0, 4, {{"bold", true}});
      int transactions = 0;
      std::vector<DeltaOp> delta;
      a.observe([&](const TransactionSummary&) { ++transactions; });
      a.observe(a.text("t").ref(), [&](const Event& event) {
        if (!event.local()) delta = event.text_delta();
      });
      REQUIRE(a.apply_update(b.encode_state_as_update()));
      CHECK(delta.empty());
      CHECK(transactions == (cleans ? 2 : 1));
      CHECK(same(a.text("t").to_delta(), {insert("word", {{"bold", true}})}));
    }
  }

  TEST_CASE("sub-documents are told of when they come, go and are wanted") {
    Doc a({.client_id = 1});
    std::vector<SubDocumentEvents> told;
    a.observe_documents([&](const SubDocumentEvents& events) { told.push_back(events); });
    a.map("m").set_document("d", {"one"});
    REQUIRE(told.size() == 1);
    REQUIRE(told[0].added.size() == 1);
    CHECK(told[0].added[0].guid == "one");
    CHECK(told[0].loaded.size() == 1);  // Who makes one has its content.

    Doc b({.client_id = 2});
    std::vector<SubDocumentEvents> remote;
    b.observe_documents([&](const SubDocumentEvents& events) { remote.push_back(events); });
    a.array("a").insert_document(0, {"two", {{"autoLoad", true}}});
    a.map("m").set("x", 1);
    CHECK(told.size() == 2);
    REQUIRE(b.apply_update(a.encode_state_as_update()));
    REQUIRE(remote.size() == 1);
    CHECK(remote[0].added.size() == 2);
    REQUIRE(remote[0].loaded.size() == 1);
    CHECK(remote[0].loaded[0].guid == "two");
    CHECK_FALSE(remote[0].local);

    b.map("m").load_document("d");
    REQUIRE(remote.size() == 2);
    CHECK(remote[1].added.empty());
    CHECK(remote[1].loaded[0].guid == "one");
    b.map("m").load_document("x");
    CHECK(remote.size() == 2);

    b.transact([&] {
      b.map("m").erase("d");
      b.map("m").set_document("came-and-went", {"three"});
      b.map("m").erase("came-and-went");
    });
    REQUIRE(remote.size() == 3);
    REQUIRE(remote[2].removed.size() == 1);
    CHECK(remote[2].removed[0].guid == "one");
    CHECK(remote[2].added.empty());
  }

  TEST_CASE("deltas and key changes applied one after the other give the document") {
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
      CAPTURE(seed);
      SeededRandom random(seed);
      Doc a({.client_id = 1, .gc = seed % 3 != 0});
      Doc b({.client_id = 2});
      Text text = a.text("t");
      Array array = a.array("a");
      Map map = a.map("m");
      Doc shadow({.client_id = 3});
      std::vector<Value> shadow_array;
      std::map<std::string, Value> shadow_map;
      a.observe(text.ref(),
                [&](const Event& event) { shadow.text("t").apply_delta(event.text_delta()); });
      a.observe(array.ref(), [&](const Event& event) {
        auto at = shadow_array.begin();
        for (const ListOp& op : event.list_delta()) {
          if (op.kind == ListOp::Kind::Insert) {
            at = shadow_array.insert(at, op.insert.begin(), op.insert.end()) +
                 static_cast<std::ptrdiff_t>(op.insert.size());
          } else if (op.kind == ListOp::Kind::Retain) {
            at += static_cast<std::ptrdiff_t>(op.length);
          } else {
            at = shadow_array.erase(at, at + static_cast<std::ptrdiff_t>(op.length));
          }
        }
      });
      a.observe(map.ref(), [&](const Event& event) {
        for (const KeyChange& change : event.keys()) {
          const auto known = shadow_map.find(change.key);
          CHECK((known != shadow_map.end()) == (change.action != KeyChange::Action::Add));
          if (known != shadow_map.end()) CHECK(known->second == change.old_value);
          if (change.action == KeyChange::Action::Delete) {
            shadow_map.erase(change.key);
          } else {
            shadow_map[change.key] = *map.get(change.key);
          }
        }
      });
      const auto edit = [&](Doc& doc) {
        Text t = doc.text("t");
        Array l = doc.array("a");
        Map m = doc.map("m");
        const auto below = [&](std::uint64_t bound) { return random.below(bound + 1); };
        const std::string key(1, static_cast<char>('a' + random.below(3)));
        const codec::Any style =
            random.below(2) == 0 ? codec::Any(true) : codec::Any(codec::Null{});
        switch (random.below(8)) {
          case 0:
            return t.insert(below(t.length()), random.text(1 + random.below(4), "abcdef"));
          case 1:
            return t.insert(below(t.length()), "x", {{key, style}});
          case 2:
            return t.erase(below(t.length()), 1 + random.below(3));
          case 3:
            return t.format(below(t.length()), 1 + random.below(3), {{key, style}});
          case 4:
            return l.insert(below(l.length()), {static_cast<double>(random.below(100)), "s"});
          case 5:
            if (l.length() > 0) l.erase(random.below(l.length()), 1);
            return;
          case 6:
            return m.erase(key);
          default:
            return m.set(key, static_cast<double>(random.below(100)));
        }
      };
      for (int step = 0; step < 120; ++step) {
        Doc& doc = random.below(2) == 0 ? a : b;
        doc.transact([&] {
          for (std::uint64_t n = random.below(4); n > 0; --n) edit(doc);
        });
        if (random.below(4) == 0) REQUIRE(a.apply_update(b.encode_state_as_update()));
        if (random.below(4) == 0) REQUIRE(b.apply_update(a.encode_state_as_update()));
        REQUIRE(same(content(shadow.text("t")), content(text)));
        std::vector<Value> now;
        array.for_each([&](const Value& value) { now.push_back(value); });
        REQUIRE(shadow_array == now);
        REQUIRE(shadow_map.size() == map.size());
        map.for_each([&](std::string_view name, const Value& value) {
          CHECK(shadow_map.at(std::string(name)) == value);
        });
        REQUIRE(a.check_invariants());
      }
    }
  }
}
