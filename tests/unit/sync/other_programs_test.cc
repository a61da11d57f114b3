// What tests/simulation/editors_test.cc found, each as small as it gets.
#include <set>

#include <doctest/doctest.h>

#include "engine/filesystem/memory_tree.h"
#include "engine/workspace/metadata_doc.h"
#include "tests/support/live_world.h"

using namespace diaryx;
using test::Peer;
using test::World;

namespace {

struct Setup {
  ManualClock clock;
  filesystem::MemoryTree files{clock};
  World world{files, 1};
  Peer* peer = nullptr;
  std::string note, wire;

  Setup() {
    files.edit("a.md", "One. Two.\n");
    files.edit("b.md", "Other.\n");
    world.reconcile();
    note = world.id_at("a.md");
    wire = world.wire(note);
    peer = &world.connect();
    peer->open("workspace:test");
    peer->open(wire);
    world.run();
  }
  void look(const std::string& path) {
    world.live->disk().paths_changed({*WorkspacePath::parse(path)});
    world.run();
  }
  void type(const std::string& text) {
    peer->edit(wire, [&](crdt::Doc& doc) { doc.text("body").insert(0, text); });
    world.run();
  }
  void rename(const std::string& id, const std::string& to) {
    peer->edit("workspace:test", [&](crdt::Doc& doc) {
      crdt::Map(std::get<crdt::TypeRef>(*doc.map("files").get(id))).set("path", to);
    });
  }
  std::size_t live_notes() const {
    std::size_t count = 0;
    for (const auto& [id, record] : world.live->documents().metadata().records())
      count += record.deleted ? 0 : 1;
    return count;
  }
};

}  // namespace

TEST_SUITE("sync/other_programs") {
  TEST_CASE("who saves by deleting and writing anew does not undo what was typed meanwhile") {
    Setup s;
    s.files.erase("a.md");
    s.look("a.md");
    s.type("Typed. ");
    s.files.edit("a.md", "One. Two. Three.\n");
    s.look("a.md");
    s.world.pass(3'000);
    CHECK(s.files.peek("a.md") == "Typed. One. Two. Three.\n");
    CHECK(s.world.id_at("a.md") == s.note);
  }

  TEST_CASE("a file that vanished with unseen edits and comes back is not doubled") {
    Setup s;
    s.type("Unseen. ");
    s.files.erase("a.md");
    s.look("a.md");
    s.files.edit("a.md", "One. Two. Three.\n");
    s.look("a.md");
    s.world.pass(3'000);
    CHECK(s.files.peek("a.md") == "Unseen. One. Two. Three.\n");
  }

  TEST_CASE("a file that is being written is taken in when it is whole, and not replaced before") {
    Setup s;
    const std::uint64_t handle = s.files.open_emptied("a.md");
    s.look("a.md");
    CHECK(s.peer->body(s.wire) == "One. Two.\n");
    s.type("Typed. ");
    s.world.pass(2'500);
    CHECK(s.files.peek("a.md")->empty());
    s.files.write_open(handle, "One. Two. Three.\n");
    s.files.close_open(handle);
    s.world.pass(3'000);
    CHECK(s.files.peek("a.md") == "Typed. One. Two. Three.\n");
    CHECK(s.world.live->disk().problems().empty());
  }

  TEST_CASE("a file that somebody keeps open for writing is read all the same, after a while") {
    Setup s;
    const std::uint64_t handle = s.files.open_emptied("a.md");
    s.files.write_open(handle, "A log.\n");
    s.look("a.md");
    s.world.pass(5'000);
    CHECK(s.peer->body(s.wire) == "One. Two.\n");
    s.world.pass(8'000);
    CHECK(s.peer->body(s.wire) == "A log.\n");
    s.type("Typed. ");
    s.world.pass(3'000);
    CHECK(s.files.peek("a.md") == "A log.\n");
    REQUIRE(s.world.live->disk().problems().contains("a.md"));
    CHECK(s.world.live->disk().problems().at("a.md").find("open for writing") != std::string::npos);
    s.files.close_open(handle);
    s.world.pass(10'000);
    CHECK(s.files.peek("a.md") == "Typed. A log.\n");
    CHECK(s.world.live->disk().problems().empty());
  }

  TEST_CASE("while the root is gone nothing is deleted, whoever asks") {
    Setup s;
    s.files.set_gone(true);
    s.look("a.md");
    s.world.live->disk().rescan();
    s.world.pass(3'000);
    CHECK(s.live_notes() == 2);
    CHECK_FALSE(s.world.live->disk().problems().empty());
    s.files.set_gone(false);
    s.world.reconcile();
    CHECK(s.live_notes() == 2);
    CHECK(s.world.live->disk().problems().empty());
  }

  TEST_CASE("a file moved between two looks is one file, with what was typed meanwhile") {
    Setup s;
    for (const bool typed : {false, true}) {
      const std::string from = typed ? "moved.md" : "a.md";
      const std::string to = typed ? "again.md" : "moved.md";
      if (typed) s.type("Unseen. ");
      s.files.rename(from, to);
      s.look(from);  // And not yet where it went.
      s.world.pass(200);
      s.look(to);
      s.world.pass(3'000);
      CHECK(s.world.id_at(to) == s.note);
      CHECK(s.files.peek(to) == (typed ? "Unseen. One. Two.\n" : "One. Two.\n"));
      CHECK_FALSE(s.files.peek(from));
      CHECK(s.live_notes() == 2);
    }
  }

  TEST_CASE("another file where a note is about to be moved is a note of its own") {
    Setup s;
    s.rename(s.note, "c.md");
    s.world.run();
    s.files.edit("c.md", "Foreign.\n");
    s.look("c.md");
    s.world.pass(5'000);
    CHECK(s.live_notes() == 3);
    std::multiset<std::string> texts;
    for (const auto& [path, bytes] : s.files.files()) texts.insert(bytes);
    CHECK(texts == std::multiset<std::string>{"Foreign.\n", "One. Two.\n", "Other.\n"});
  }

  TEST_CASE("two notes that swap their names do") {
    Setup s;
    const std::string other = s.world.id_at("b.md");
    s.rename(s.note, "b.md");
    s.rename(other, "a.md");
    s.world.pass(5'000);
    CHECK(s.files.peek("a.md") == "Other.\n");
    CHECK(s.files.peek("b.md") == "One. Two.\n");
    CHECK(s.files.files().size() == 2);
  }

  TEST_CASE("a note whose file became a folder was deleted") {
    Setup s;
    s.files.erase("a.md");
    s.files.edit("a.md/inside.md", "Inside.\n");
    s.world.reconcile();
    CHECK(s.world.live->documents().metadata().find(s.note)->deleted);
    CHECK(s.world.live->disk().problems().empty());
  }

  TEST_CASE("files that another program swaps take their notes with them") {
    Setup s;
    const std::string other = s.world.id_at("b.md");
    s.files.rename("a.md", "aside");
    s.files.rename("b.md", "a.md");
    s.files.rename("aside", "b.md");
    s.world.reconcile();
    CHECK(s.world.id_at("b.md") == s.note);
    CHECK(s.world.id_at("a.md") == other);
    CHECK(*s.world.live->documents().body_text(s.note) == "One. Two.\n");
    CHECK(s.files.peek("b.md") == "One. Two.\n");
  }

  TEST_CASE("a file moved onto another one's place is itself, and the other one is deleted") {
    Setup s;
    const std::string other = s.world.id_at("b.md");
    s.files.rename("b.md", "a.md");
    s.world.reconcile();
    CHECK(s.world.id_at("a.md") == other);
    CHECK(s.world.live->documents().metadata().find(s.note)->deleted);
    CHECK(*s.world.live->documents().body_text(s.note) == "One. Two.\n");
  }

  TEST_CASE("what is typed in the millisecond of a write is written after it") {
    Setup s;
    s.type("First. ");
    s.world.clock.advance(2'000);
    s.peer->edit(s.wire, [&](crdt::Doc& doc) { doc.text("body").insert(0, "Early. "); });
    (void)s.world.live->end_turn();
    std::vector<sync::DiskTask> tasks = s.world.live->disk().take_tasks();
    REQUIRE(tasks.size() == 1);
    s.peer->edit(s.wire, [&](crdt::Doc& doc) { doc.text("body").insert(0, "Late. "); });
    (void)s.world.live->end_turn();
    s.world.live->disk().complete(sync::run_disk_task(s.files, std::move(tasks[0])));
    s.world.pass(3'000);
    CHECK(s.files.peek("a.md") == "Late. Early. First. One. Two.\n");
  }

  TEST_CASE("a first write that failed in its last step is not taken for somebody else's file") {
    for (std::uint64_t step = 1; step < 8; ++step) {
      CAPTURE(step);
      Setup s;
      s.rename(s.note, "c.md");
      s.world.pass(3'000);
      s.peer->edit("workspace:test", [&](crdt::Doc& doc) {
        crdt::Map record(doc.map("files").set_type("fresh", crdt::TypeKind::Map));
        record.set("path", "new.md");
      });
      const std::string wire = s.world.wire("fresh");
      s.peer->open(wire);
      s.world.run();
      s.peer->edit(wire, [&](crdt::Doc& doc) { doc.text("body").insert(0, "Once.\n"); });
      s.files.fail_step(step, Error{ErrorCode::Io, "the disk is failing"});
      s.world.pass(400);
      s.peer->edit(wire, [&](crdt::Doc& doc) { doc.text("body").insert(2, "-More-"); });
      s.world.run();
      s.world.restart();
      s.world.reconcile();
      s.world.pass(10'000);
      CHECK(s.files.peek("new.md") == "On-More-ce.\n");
      CHECK(*s.world.live->documents().body_text("fresh") == "On-More-ce.\n");
      CHECK(s.live_notes() == 3);
    }
  }

  TEST_CASE("what one program puts in and another takes out while we write stays out") {
    Setup s;
    s.type("Typed. ");
    s.world.clock.advance(1'000);
    (void)s.world.live->end_turn();
    std::vector<sync::DiskTask> tasks = s.world.live->disk().take_tasks();
    REQUIRE(tasks.size() == 1);
    s.files.edit("a.md", "One. Two. Put in.\n");
    s.world.live->disk().paths_changed({*WorkspacePath::parse("a.md")});
    (void)s.world.live->end_turn();
    for (sync::DiskTask& task : s.world.live->disk().take_tasks())
      s.world.live->disk().complete(sync::run_disk_task(s.files, std::move(task)));
    s.files.edit("a.md", "One. Two.\n");
    s.world.live->disk().complete(sync::run_disk_task(s.files, std::move(tasks[0])));
    s.world.reconcile();
    s.world.pass(3'000);
    CHECK(s.files.peek("a.md") == "Typed. One. Two.\n");
  }

  TEST_CASE("a deleted note with text that no file ever held does not become another file") {
    Setup s;
    s.peer->edit("workspace:test", [&](crdt::Doc& doc) {
      crdt::Map record(doc.map("files").set_type("fresh", crdt::TypeKind::Map));
      record.set("path", "new.md");
      record.set("deleted", true);
    });
    const std::string wire = s.world.wire("fresh");
    s.peer->open(wire);
    s.world.run();
    s.peer->edit(wire, [&](crdt::Doc& doc) { doc.text("body").insert(0, "Never on disk.\n"); });
    s.world.run();
    s.files.edit("new.md", "Foreign.\n");
    s.world.reconcile();
    CHECK(*s.world.live->documents().body_text("fresh") == "Never on disk.\n");
    CHECK(s.files.peek("new.md") == "Foreign.\n");
    CHECK(s.live_notes() == 3);
  }

  TEST_CASE("a file lost before a crash is known again after it") {
    Setup s;
    s.type("Unseen. ");
    s.files.rename("a.md", "a.txt");
    s.look("a.md");
    s.world.restart();
    s.files.rename("a.txt", "moved.md");
    s.world.reconcile();
    s.world.pass(3'000);
    CHECK(s.world.id_at("moved.md") == s.note);
    CHECK(s.files.peek("moved.md") == "Unseen. One. Two.\n");
    CHECK(s.live_notes() == 2);
  }
}
