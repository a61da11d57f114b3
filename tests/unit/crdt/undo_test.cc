#include "engine/crdt/undo.h"

#include <algorithm>
#include <memory>

#include <doctest/doctest.h>

#include "engine/base/random.h"
#include "engine/codec/json_text.h"
#include "engine/crdt/events.h"

using namespace diaryx;
using namespace diaryx::crdt;

namespace {

constexpr Origin kRemote = 99;  // Not tracked.

struct Desk {
  explicit Desk(DocOptions options = {.client_id = 1}) : doc(std::move(options)) {}
  UndoOptions options() {
    UndoOptions options;
    options.now_ms = [this] { return now_ms; };
    return options;
  }
  Doc doc;
  std::uint64_t now_ms = 0;
};

void sync(Doc& a, Doc& b) {
  REQUIRE(a.apply_update(b.encode_state_as_update(), kRemote));
  REQUIRE(b.apply_update(a.encode_state_as_update(), kRemote));
}

codec::Any value_of(Map map, std::string_view key) {
  const auto value = map.get(key);
  return value ? std::get<codec::Any>(*value) : codec::Any("nothing");
}

std::string json(TypeRef type) {
  return codec::to_js_json(to_any(type));
}

}  // namespace

TEST_SUITE("crdt/undo") {
  TEST_CASE("typing is undone and redone") {
    Desk desk;
    Text text = desk.doc.text("t");
    UndoManager undo(desk.doc, {text.ref()}, desk.options());
    CHECK(undo.undo() == nullptr);
    text.insert(0, "hello");
    CHECK(undo.can_undo());
    CHECK(undo.undo() != nullptr);
    CHECK(text.to_string().empty());
    CHECK(undo.can_redo());
    CHECK_FALSE(undo.can_undo());
    CHECK(undo.redo() != nullptr);
    CHECK(text.to_string() == "hello");
    CHECK(undo.redo() == nullptr);
    text.erase(1, 3);
    CHECK(undo.undo() != nullptr);
    CHECK(text.to_string() == "hello");
    REQUIRE(desk.doc.check_invariants());
  }

  TEST_CASE("what follows closely is one step, until capturing stops") {
    Desk desk;
    Text text = desk.doc.text("t");
    UndoManager undo(desk.doc, {text.ref()}, desk.options());
    text.insert(0, "a");
    desk.now_ms += 499;
    text.insert(1, "b");
    desk.now_ms += 500;
    text.insert(2, "c");
    undo.stop_capturing();
    text.insert(3, "d");
    CHECK(undo.undo_stack().size() == 3);
    undo.undo();
    CHECK(text.to_string() == "abc");
    undo.undo();
    CHECK(text.to_string() == "ab");
    undo.undo();
    CHECK(text.to_string().empty());
  }

  TEST_CASE("what is typed after an undo does not join the step before it, and ends redoing") {
    Desk desk;
    Text text = desk.doc.text("t");
    UndoManager undo(desk.doc, {text.ref()}, desk.options());
    text.insert(0, "a");
    undo.stop_capturing();
    text.insert(1, "b");
    undo.undo();
    text.insert(1, "c");
    CHECK_FALSE(undo.can_redo());
    CHECK(undo.undo_stack().size() == 2);
    undo.undo();
    CHECK(text.to_string() == "a");
  }

  TEST_CASE("only tracked origins and the scope are undone") {
    Desk desk;
    Text text = desk.doc.text("t");
    Map map = desk.doc.map("m");
    Map inside(map.set_type("inside", TypeKind::Map));
    UndoOptions options = desk.options();
    options.tracked_origins = {7};
    UndoManager undo(desk.doc, {inside.ref()}, options);
    inside.set("k", 1);
    desk.doc.transact([&] { text.insert(0, "out of scope"); }, 7);
    desk.doc.transact([&] { map.set("k", "above the scope"); }, 7);
    CHECK_FALSE(undo.can_undo());
    desk.doc.transact([&] { inside.set("k", 2); }, 7);
    undo.undo();
    CHECK(value_of(inside, "k") == codec::Any(1));
    undo.add_tracked_origin(8);
    undo.add_to_scope(text.ref());
    desk.doc.transact([&] { text.erase(0, 7); }, 8);
    undo.undo();
    CHECK(text.to_string() == "out of scope");
    undo.remove_tracked_origin(8);
    desk.doc.transact([&] { text.erase(0, 1); }, 8);
    CHECK_FALSE(undo.can_undo());
  }

  TEST_CASE("a manager of the whole document undoes everything of its origins") {
    Desk desk;
    UndoManager undo(desk.doc, desk.options());
    desk.doc.transact([&] {
      desk.doc.text("t").insert(0, "a");
      desk.doc.map("m").set("k", 1);
    });
    undo.undo();
    CHECK(desk.doc.text("t").length() == 0);
    CHECK(desk.doc.map("m").size() == 0);
    undo.redo();
    CHECK(desk.doc.text("t").to_string() == "a");
    CHECK(value_of(desk.doc.map("m"), "k") == codec::Any(1));
  }

  TEST_CASE("a deleted type comes back with all that was in it, under another handle") {
    Desk desk;
    Map map = desk.doc.map("m");
    Array list(map.set_type("list", TypeKind::Array));
    list.insert(0, {1, 2});
    Text text(list.insert_type(1, TypeKind::Text));
    text.insert(0, "deep", {{"bold", true}});
    const std::string before = json(map.ref());
    UndoManager undo(desk.doc, {map.ref()}, desk.options());
    map.erase("list");
    CHECK(map.size() == 0);
    undo.undo();
    CHECK(json(map.ref()) == before);
    const TypeRef back = std::get<TypeRef>(*map.get("list"));
    CHECK(back != list.ref());
    CHECK(Text(std::get<TypeRef>(*Array(back).get(1))).to_delta()[0].attributes.size() == 1);
    undo.redo();
    CHECK(map.size() == 0);
    undo.undo();
    CHECK(json(map.ref()) == before);
    REQUIRE(desk.doc.check_invariants());
  }

  TEST_CASE("others' edits stay, and are where they were") {
    Desk desk;
    Doc& a = desk.doc;
    Doc b({.client_id = 2});
    UndoManager undo(a, {a.text("t").ref()}, desk.options());
    a.text("t").insert(0, "one two three");
    sync(a, b);
    undo.stop_capturing();
    a.text("t").erase(4, 4);
    b.text("t").insert(13, "!");
    b.text("t").insert(0, "> ");
    sync(a, b);
    undo.undo();
    CHECK(a.text("t").to_string() == "> one two three!");
    undo.undo();
    CHECK(a.text("t").to_string() == "> !");
    sync(a, b);
    CHECK(b.text("t").to_string() == "> !");
  }

  TEST_CASE("a key that somebody else wrote since is left alone, unless told otherwise") {
    for (const bool overwrite : {false, true}) {
      CAPTURE(overwrite);
      Desk desk;
      Doc& a = desk.doc;
      Doc b({.client_id = 2});
      Map map = a.map("m");
      map.set("k", "first");
      sync(a, b);
      UndoOptions options = desk.options();
      options.ignore_remote_map_changes = overwrite;
      UndoManager undo(a, {map.ref()}, options);
      map.set("k", "mine");
      sync(a, b);
      b.map("m").set("k", "theirs");
      sync(a, b);
      CHECK((undo.undo() != nullptr) == overwrite);
      CHECK(value_of(map, "k") == codec::Any(overwrite ? "first" : "theirs"));
      sync(a, b);
      CHECK(value_of(b.map("m"), "k") == codec::Any(overwrite ? "first" : "theirs"));
    }
  }

  TEST_CASE("steps that others made pointless are dropped for the next one") {
    Desk desk;
    Doc& a = desk.doc;
    Doc b({.client_id = 2});
    Text text = a.text("t");
    UndoManager undo(a, {text.ref()}, desk.options());
    text.insert(0, "first ");
    undo.stop_capturing();
    text.insert(6, "second");
    sync(a, b);
    b.text("t").erase(6, 6);
    sync(a, b);
    CHECK(undo.undo_stack().size() == 2);
    CHECK(undo.undo() != nullptr);
    CHECK(text.to_string().empty());
    CHECK(undo.undo_stack().empty());
  }

  TEST_CASE("what a step needs survives the collector, and no longer") {
    Desk desk({.client_id = 1, .gc = true});
    Doc& doc = desk.doc;
    Text text = doc.text("t");
    text.insert(0, std::string(1000, 'x'));
    UndoManager undo(doc, {text.ref()}, desk.options());
    text.erase(0, 1000);
    CHECK(doc.encode_state_as_update().size() > 1000);
    undo.undo();
    CHECK(text.length() == 1000);
    undo.clear();
    CHECK_FALSE(undo.can_undo());
    CHECK_FALSE(undo.can_redo());
    // Without a manager that tracks it, deleting forgets again what is not kept.
    undo.remove_tracked_origin(0);
    doc.map("m").set("k", std::string(1000, 'y'));
    const std::size_t size = doc.encode_state_as_update().size();
    doc.map("m").erase("k");
    CHECK(doc.encode_state_as_update().size() < size - 900);
  }

  TEST_CASE("a filter keeps items from being deleted, and transactions from being captured") {
    Desk desk;
    Array array = desk.doc.array("a");
    UndoOptions options = desk.options();
    std::vector<DoomedItem> asked;
    options.delete_filter = [&](const DoomedItem& item) {
      asked.push_back(item);
      return !item.type;
    };
    options.capture_transaction = [](Origin, bool local) { return local; };
    UndoManager undo(desk.doc, {array.ref()}, options);
    desk.doc.transact([&] {
      array.insert(0, {1, 2});
      array.insert_type(2, TypeKind::Map);
    });
    undo.undo();
    CHECK(array.length() == 1);
    REQUIRE(asked.size() == 2);
    CHECK(asked[0].type.has_value());
    CHECK(asked[0].parent == array.ref());
    CHECK(asked[1].length == 2);
    CHECK(asked[1].client == 1);
    Doc other({.client_id = 2});
    other.array("a").insert(0, {3});
    undo.clear();
    REQUIRE(desk.doc.apply_update(other.encode_state_as_update()));
    CHECK_FALSE(undo.can_undo());
  }

  TEST_CASE("observers see steps come and go, with what they put into them") {
    Desk desk;
    Text text = desk.doc.text("t");
    UndoManager undo(desk.doc, {text.ref()}, desk.options());
    std::vector<std::string> seen;
    undo.observe([&](const StackEvent& event) {
      const char* kinds[] = {"added", "updated", "popped"};
      seen.push_back(std::string(kinds[static_cast<int>(event.kind)]) +
                     (event.redo ? " redo" : ""));
      CHECK(event.changed == std::vector<TypeRef>{text.ref()});
      if (event.kind == StackEvent::Kind::Added) event.item.meta["selection"] = codec::Any(5);
      if (event.kind == StackEvent::Kind::Popped)
        CHECK(event.item.meta.at("selection") == codec::Any(5));
    });
    undo.observe_clear([&](bool undo_steps, bool redo_steps) {
      seen.push_back(std::string("cleared") + (undo_steps ? " undo" : "") +
                     (redo_steps ? " redo" : ""));
    });
    text.insert(0, "a");
    text.insert(1, "b");
    undo.undo();
    undo.redo();
    undo.undo();
    text.insert(0, "c");
    undo.clear();
    const std::vector<std::string> expected = {
        "added",        "updated",     "added redo",       "popped",
        "added",        "popped redo", "added redo",       "popped",
        "cleared redo", "added",       "cleared undo redo"};
    CHECK(seen == expected);
  }

  TEST_CASE("observers may clear the stacks and undo") {
    Desk desk;
    Text text = desk.doc.text("t");
    UndoManager undo(desk.doc, {text.ref()}, desk.options());
    const std::uint64_t handle = undo.observe([&](const StackEvent&) { undo.clear(); });
    text.insert(0, "a");
    CHECK_FALSE(undo.can_undo());
    undo.unobserve(handle);
    text.insert(1, "b");
    CHECK(undo.can_undo());
    // Nobody may type a digit.
    desk.doc.observe(text.ref(), [&](const Event&) {
      if (text.to_string().find('7') != std::string::npos) undo.undo();
    });
    undo.stop_capturing();
    text.insert(2, "7");
    CHECK(text.to_string() == "a");  // The step of the digit was not there yet.
    CHECK(text.length() == 1);
    REQUIRE(desk.doc.check_invariants());
  }

  TEST_CASE("two managers of a document do not capture each other's undos") {
    Desk desk;
    Text text = desk.doc.text("t");
    UndoManager one(desk.doc, {text.ref()}, desk.options());
    UndoOptions options = desk.options();
    options.tracked_origins = {9};
    UndoManager two(desk.doc, {text.ref()}, options);
    CHECK(one.origin() != two.origin());
    text.insert(0, "one");
    desk.doc.transact([&] { text.insert(3, " two"); }, 9);
    one.undo();
    CHECK(text.to_string() == " two");
    CHECK(two.undo_stack().size() == 1);
    CHECK_FALSE(two.can_redo());
    two.undo();
    CHECK(text.to_string().empty());
    one.redo();
    CHECK(text.to_string() == "one");
  }

  TEST_CASE("the document goes on without a manager that is gone") {
    Desk desk;
    Text text = desk.doc.text("t");
    {
      UndoManager undo(desk.doc, {text.ref()}, desk.options());
      text.insert(0, "abc");
      text.erase(0, 1);
      undo.undo();
    }
    text.insert(0, "d");
    CHECK(text.to_string() == "d");
    REQUIRE(desk.doc.check_invariants());
  }

  // One person edits at random; everybody's content is compared before and after.
  TEST_CASE("undoing everything gives what was there before, redoing everything what came of it") {
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
      CAPTURE(seed);
      SeededRandom random(seed);
      Desk desk({.client_id = 1, .gc = seed % 4 != 0});
      Doc& doc = desk.doc;
      const std::vector<TypeRef> roots = {doc.text("t").ref(), doc.array("a").ref(),
                                          doc.map("m").ref()};
      const auto edit = [&](std::uint64_t kinds) {
        const auto below = [&](std::uint64_t bound) { return random.below(bound + 1); };
        Text t = doc.text("t");
        Array a = doc.array("a");
        Map m = doc.map("m");
        const std::string key(1, static_cast<char>('a' + random.below(3)));
        const auto nested = m.get(key);
        switch (random.below(kinds)) {
          case 0:
          case 1:
            return t.insert(below(t.length()), random.text(1 + random.below(4), "abcdef"));
          case 2:
          case 3:
            return t.erase(below(t.length()), 1 + random.below(4));
          case 4:
            return a.insert(below(a.length()), {"value", static_cast<double>(random.below(9))});
          case 5:
            if (a.length() > 0) a.erase(random.below(a.length()), 1);
            return;
          case 6:
            m.set_type(key, {TypeKind::Array, "", [&](TypeRef made) {
                               Array(made).insert(0, {1, 2, 3});
                             }});
            return;
          case 7:
            if (nested && std::holds_alternative<TypeRef>(*nested))
              return Array(std::get<TypeRef>(*nested)).insert(0, {"nested"});
            return m.set(key, static_cast<double>(random.below(9)));
          case 8:
            return m.erase(key);
          default:
            a.insert_type(below(a.length()), {TypeKind::Text, "",
                                              [&](TypeRef made) { Text(made).insert(0, "text"); }});
            return;
        }
      };
      const auto content = [&] {
        std::string all;
        for (const TypeRef root : roots) {
          codec::Any value = to_any(root);
          if (auto* object = value.get<codec::AnyObject>())
            std::sort(object->begin(), object->end(),
                      [](const auto& x, const auto& y) { return x.first < y.first; });
          all += codec::to_js_json(value);
        }
        return all;
      };
      for (int i = 0; i < 10; ++i) edit(10);
      std::vector<std::string> before = {content()};
      UndoManager undo(doc, roots, desk.options());
      for (int step = 0; step < 25; ++step) {
        undo.stop_capturing();
        const std::size_t size = undo.undo_stack().size();
        // Not several for one map: what a key had before it was set and deleted in one step does
        // not come back, in Yjs neither.
        if (random.below(2) == 0) {
          edit(10);
        } else {
          doc.transact([&] {
            for (std::uint64_t n = 1 + random.below(3); n > 0; --n) edit(6);
          });
        }
        if (undo.undo_stack().size() > size) before.push_back(content());
      }
      for (int round = 0; round < 3; ++round) {
        // A step of things that came and went changes nothing: it goes together with the next, and
        // does not come back.
        while (undo.can_undo()) {
          if (round == 0) REQUIRE(content() == before[undo.undo_stack().size()]);
          undo.undo();
        }
        REQUIRE(content() == before[0]);
        REQUIRE(doc.check_invariants());
        while (undo.redo() != nullptr) continue;
        REQUIRE(content() == before.back());
        REQUIRE(doc.check_invariants());
      }
    }
  }

  TEST_CASE("replicas that undo and redo at the same time converge") {
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
      CAPTURE(seed);
      SeededRandom random(seed * 31);
      Desk desks[] = {Desk({.client_id = 11, .gc = seed % 3 != 0}), Desk({.client_id = 5}),
                      Desk({.client_id = 42})};
      std::vector<std::unique_ptr<UndoManager>> managers;
      for (Desk& desk : desks) {
        UndoOptions options = desk.options();
        options.capture_timeout_ms = 0;
        managers.push_back(std::make_unique<UndoManager>(
            desk.doc, std::vector<TypeRef>{desk.doc.text("t").ref(), desk.doc.map("m").ref()},
            options));
      }
      for (int step = 0; step < 150; ++step) {
        const std::size_t who = random.below(3);
        Doc& doc = desks[who].doc;
        Text t = doc.text("t");
        Map m = doc.map("m");
        const std::string key(1, static_cast<char>('a' + random.below(2)));
        switch (random.below(8)) {
          case 0:
            t.insert(random.below(t.length() + 1), "word");
            break;
          case 1:
            t.erase(random.below(t.length() + 1), 3);
            break;
          case 2:
            t.format(random.below(t.length() + 1), 3, {{"bold", random.below(2) == 0}});
            break;
          case 3:
            m.set(key, static_cast<double>(step));
            break;
          case 4:
            Array(m.set_type(key, TypeKind::Array)).insert(0, {1, 2});
            break;
          case 5:
            managers[who]->undo();
            break;
          case 6:
            managers[who]->redo();
            break;
          default:
            REQUIRE(doc.apply_update(desks[random.below(3)].doc.encode_state_as_update(), kRemote));
            break;
        }
        REQUIRE(doc.check_invariants());
      }
      for (int round = 0; round < 2; ++round) {
        for (Desk& desk : desks) {
          for (Desk& other : desks)
            REQUIRE(desk.doc.apply_update(other.doc.encode_state_as_update(), kRemote));
        }
      }
      for (Desk& desk : desks) {
        CHECK(desk.doc.encode_state_vector() == desks[0].doc.encode_state_vector());
        CHECK(desk.doc.text("t").to_string() == desks[0].doc.text("t").to_string());
        for (const char* key : {"a", "b"}) {
          CHECK(desk.doc.map("m").has(key) == desks[0].doc.map("m").has(key));
        }
      }
    }
  }
}
