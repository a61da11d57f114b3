#include <filesystem>

#include <doctest/doctest.h>

#include "engine/workspace/metadata_doc.h"
#include "tests/support/live_folder.h"

using namespace diaryx;
using test::Peer;
using test::World;

namespace {

constexpr const char* kRoot =
    "---\n# my diary\ntitle: 'Root'   # keep me\ncontents:\n  - \"[A](/a.md)\"\n---\nWelcome.\n";
constexpr const char* kNote =
    "---\ntitle: A\npart_of: \"[Root](/README.md)\"\nmood: \"fine\"\n---\n\nLine one.\nLine "
    "two.\nLine three.\n";

struct Setup : test::LiveFolder {
  Setup() {
    dir.write("README.md", kRoot);
    dir.write("a.md", kNote);
    world.reconcile();
  }
  void watch(const std::string& path) {
    world.live->disk().paths_changed({*WorkspacePath::parse(path)});
  }
  void insert(Peer& peer, const std::string& id, std::uint64_t at, const std::string& text) {
    peer.edit(id, [&](crdt::Doc& doc) { doc.text("body").insert(at, text); });
  }
};

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

}  // namespace

TEST_SUITE("sync/disk") {
  TEST_CASE("a folder is taken in, linked by id, and not one byte of it is written") {
    Setup s;
    const auto& metadata = s.world.live->documents().metadata();
    CHECK(metadata.records().size() == 2);
    const std::string root = s.world.id_at("README.md");
    const std::string note = s.world.id_at("a.md");
    REQUIRE(metadata.find(root) != nullptr);
    CHECK(metadata.find(root)->contents == std::vector<std::string>{note});
    CHECK(metadata.find(note)->part_of == root);
    CHECK(s.world.live->disk().counts().written == 0);
    CHECK(s.dir.read("README.md") == kRoot);
    CHECK(s.dir.read("a.md") == kNote);
    CHECK(s.world.live->disk().idle());
  }

  TEST_CASE("two machines that start from the same folder hold the same documents") {
    Setup a;
    Setup b;
    auto& x = a.world.live->documents();
    auto& y = b.world.live->documents();
    CHECK(x.workspace().doc->encode_state_as_update() ==
          y.workspace().doc->encode_state_as_update());
    const std::string name = sync::body_doc_name(a.world.id_at("a.md"));
    CHECK((*x.open_document(name))->doc->encode_state_as_update() ==
          (*y.open_document(name))->doc->encode_state_as_update());
  }

  TEST_CASE("an edit in a peer reaches the disk after a quiet moment, header untouched") {
    Setup s;
    Peer& a = s.world.connect();
    const std::string id = s.world.wire("a.md");
    a.open(id);
    s.world.run();
    s.insert(a, id, 1, "Typed. ");
    s.world.run();
    CHECK(s.dir.read("a.md") == kNote);
    s.world.pass(200);
    CHECK(s.dir.read("a.md") == kNote);
    s.world.pass(200);
    CHECK(s.dir.read("a.md") == replaced(kNote, "\nLine one", "\nTyped. Line one"));
    CHECK(s.world.live->disk().ahead().empty());
  }

  TEST_CASE("somebody who never stops typing is written at most two seconds behind") {
    Setup s;
    Peer& a = s.world.connect();
    const std::string id = s.world.wire("a.md");
    a.open(id);
    s.world.run();
    for (int i = 0; i < 12; ++i) {
      s.insert(a, id, 1, "x");
      s.world.pass(200);
    }
    CHECK(s.dir.read("a.md") != kNote);
  }

  TEST_CASE("of many notes typed in at once a few are sent off in each turn, the oldest first") {
    Setup s;
    Peer& peer = s.world.connect();
    constexpr int kNotes = 100;
    for (int i = 0; i < kNotes; ++i) s.dir.write("n" + std::to_string(i) + ".md", kNote);
    s.world.reconcile();
    // The last one first, and a little earlier.
    for (int i = kNotes - 1; i >= 0; --i) {
      const std::string id = s.world.wire("n" + std::to_string(i) + ".md");
      peer.open(id);
      s.insert(peer, id, 0, "typed ");
      (void)s.world.live->end_turn();
      s.world.clock.advance(1);
    }
    s.world.clock.advance(1'000);
    sync::DiskSync& disk = s.world.live->disk();
    std::vector<sync::DiskTask> tasks;
    std::size_t turns = 0;
    while (disk.next_due_ms().value_or(INT64_MAX) <= s.world.clock.steady_ms() && turns < 1'000) {
      ++turns;
      (void)s.world.live->end_turn();
      std::vector<sync::DiskTask> more = disk.take_tasks();
      CHECK(more.size() <= 16);
      for (sync::DiskTask& task : more) tasks.push_back(std::move(task));
    }
    // Until results come there is nothing to wake up for.
    CHECK(turns <= 5);
    REQUIRE(tasks.size() == 64);
    for (const sync::DiskTask& task : tasks)
      CHECK(std::stoi(std::get<sync::WriteTask>(task).path.str().substr(1)) >= kNotes - 64);
    for (sync::DiskTask& task : tasks)
      disk.complete(sync::run_disk_task(*s.files, std::move(task)));
    s.world.run();
    for (int i = 0; i < kNotes; ++i)
      CHECK(s.dir.read("n" + std::to_string(i) + ".md").find("typed ") != std::string::npos);
    CHECK(disk.idle());
  }

  TEST_CASE("an edit on disk reaches the peers as the smallest edit") {
    Setup s;
    Peer& a = s.world.connect();
    const std::string id = s.world.wire("a.md");
    a.open(id);
    s.world.run();
    s.dir.write("a.md", replaced(kNote, "two", "2"));
    s.watch("a.md");
    s.world.run();
    CHECK(a.body(id) == "\nLine one.\nLine 2.\nLine three.\n");
    s.world.pass(3'000);
    CHECK(s.dir.read("a.md") == replaced(kNote, "two", "2"));
  }

  TEST_CASE("edits on disk and in a peer at the same time are both kept, in body and header") {
    Setup s;
    Peer& a = s.world.connect();
    const std::string body = s.world.wire("a.md");
    a.open(body);
    a.open("workspace:test");
    s.world.run();
    s.insert(a, body, 1, "Browser. ");
    const std::string note = s.world.id_at("a.md");
    a.edit("workspace:test", [&](crdt::Doc& doc) {
      const auto record = std::get<crdt::TypeRef>(*doc.map("files").get(note));
      crdt::Map(record).set("title", "New title");
    });
    s.world.run();
    s.dir.write("a.md", replaced(replaced(kNote, "Line three.", "Line three. Disk."),
                                 "mood: \"fine\"", "mood: \"better\""));
    s.watch("a.md");
    s.world.pass(3'000);
    const std::string expected =
        replaced(replaced(replaced(replaced(kNote, "Line three.", "Line three. Disk."),
                                   "mood: \"fine\"", "mood: \"better\""),
                          "\nLine one", "\nBrowser. Line one"),
                 "title: A", "title: New title");
    CHECK(s.dir.read("a.md") == expected);
    CHECK(a.body(body) == "\nBrowser. Line one.\nLine two.\nLine three. Disk.\n");
  }

  TEST_CASE("a file moved on disk keeps its id, and the links to it follow") {
    Setup s;
    const std::string note = s.world.id_at("a.md");
    std::filesystem::create_directory(s.dir.path() / "sub");
    std::filesystem::rename(s.dir.path() / "a.md", s.dir.path() / "sub/b.md");
    s.world.live->disk().paths_changed(
        {*WorkspacePath::parse("a.md"), *WorkspacePath::parse("sub/b.md")});
    s.world.pass(3'000);
    CHECK(s.world.id_at("sub/b.md") == note);
    CHECK(s.world.id_at("a.md").empty());
    CHECK(s.dir.read("README.md") == replaced(kRoot, "/a.md", "/sub/b.md"));
    CHECK(s.dir.read("sub/b.md") == kNote);
  }

  TEST_CASE("a file renamed by a peer moves on disk, and the links to it follow") {
    Setup s;
    Peer& a = s.world.connect();
    a.open("workspace:test");
    s.world.run();
    const std::string note = s.world.id_at("a.md");
    a.edit("workspace:test", [&](crdt::Doc& doc) {
      crdt::Map(std::get<crdt::TypeRef>(*doc.map("files").get(note))).set("path", "new place/b.md");
    });
    s.world.pass(3'000);
    CHECK_FALSE(s.dir.exists("a.md"));
    CHECK(s.dir.read("new place/b.md") == kNote);
    CHECK(s.dir.read("README.md").find("(</new place/b.md>)") != std::string::npos);
  }

  TEST_CASE("a file deleted on disk is tombstoned; one deleted by a peer goes to the trash") {
    Setup s;
    const std::string note = s.world.id_at("a.md");
    std::filesystem::remove(s.dir.path() / "a.md");
    s.watch("a.md");
    s.world.pass(3'000);
    CHECK(s.world.live->documents().metadata().find(note)->deleted);
    CHECK(s.dir.read("README.md") == kRoot);

    Peer& a = s.world.connect();
    a.open("workspace:test");
    s.world.run();
    const std::string root = s.world.id_at("README.md");
    a.edit("workspace:test", [&](crdt::Doc& doc) {
      crdt::Map(std::get<crdt::TypeRef>(*doc.map("files").get(root))).set("deleted", true);
    });
    s.world.pass(3'000);
    CHECK_FALSE(s.dir.exists("README.md"));
    bool in_trash = false;
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(s.dir.path() / ".diaryx/trash")) {
      in_trash |= entry.path().filename() == "README.md";
    }
    CHECK(in_trash);
  }

  TEST_CASE("a file deleted on disk whose document has unseen edits is written again") {
    Setup s;
    Peer& a = s.world.connect();
    const std::string id = s.world.wire("a.md");
    a.open(id);
    s.world.run();
    s.insert(a, id, 1, "Unseen. ");
    s.world.run();
    std::filesystem::remove(s.dir.path() / "a.md");
    s.watch("a.md");
    s.world.pass(3'000);
    CHECK(s.dir.read("a.md") == replaced(kNote, "\nLine one", "\nUnseen. Line one"));
  }

  TEST_CASE("a file that comes back at the path of a tombstone is that file again") {
    Setup s;
    const std::string note = s.world.id_at("a.md");
    const std::string text = s.dir.read("a.md");
    std::filesystem::remove(s.dir.path() / "a.md");
    s.watch("a.md");
    s.world.pass(3'000);
    s.dir.write("a.md", text + "More.\n");
    s.watch("a.md");
    s.world.pass(3'000);
    CHECK(s.world.id_at("a.md") == note);
    CHECK(s.dir.read("a.md") == text + "More.\n");
    CHECK(s.world.live->documents().body_text(note)->ends_with("More.\n"));
  }

  TEST_CASE("quite another file there is a note of its own; the deleted text stays where it was") {
    Setup s;
    const std::string note = s.world.id_at("a.md");
    const std::string body = *s.world.live->documents().body_text(note);
    std::filesystem::remove(s.dir.path() / "a.md");
    s.watch("a.md");
    s.world.pass(3'000);
    s.dir.write("a.md", "Quite different.\n");
    s.watch("a.md");
    s.world.pass(3'000);
    CHECK(s.world.id_at("a.md") != note);
    CHECK(s.dir.read("a.md") == "Quite different.\n");
    CHECK(*s.world.live->documents().body_text(note) == body);
  }

  TEST_CASE("late body updates for a deleted file are kept and do not bring the file back") {
    Setup s;
    Peer& a = s.world.connect();
    const std::string id = s.world.wire("a.md");
    a.open(id);
    s.world.run();
    std::filesystem::remove(s.dir.path() / "a.md");
    s.watch("a.md");
    s.world.pass(3'000);
    s.insert(a, id, 0, "late ");
    s.world.pass(5'000);
    CHECK_FALSE(s.dir.exists("a.md"));
    Peer& b = s.world.connect();
    b.open(id);
    s.world.run();
    CHECK(b.body(id).starts_with("late "));
  }

  TEST_CASE("a record made by a peer becomes a file, with the body that came before it") {
    Setup s;
    Peer& a = s.world.connect();
    const std::string id = s.world.wire("new note.md");
    a.open(id);
    a.open("workspace:test");
    s.world.run();
    s.insert(a, id, 0, "Body first.\n");
    s.world.pass(3'000);
    CHECK_FALSE(s.dir.exists("new note.md"));
    const std::string root = s.world.id_at("README.md");
    a.edit("workspace:test", [&](crdt::Doc& doc) {
      const crdt::Map record(doc.map("files").set_type("newId", crdt::TypeKind::Map));
      crdt::Map editable = record;
      editable.set("path", "new note.md");
      editable.set("title", "New note");
      editable.set("part_of", root);
    });
    s.world.pass(3'000);
    const std::string written = s.dir.read("new note.md");
    CHECK(written.starts_with("---\n"));
    CHECK(written.find("title: New note\n") != std::string::npos);
    CHECK(written.find("/README.md") != std::string::npos);
    CHECK(written.ends_with("---\nBody first.\n"));
    s.insert(a, id, 0, "Still live. ");
    s.world.pass(3'000);
    CHECK(s.dir.read("new note.md").ends_with("---\nStill live. Body first.\n"));
  }

  TEST_CASE("without write-back the files stay, and a later server writes what waits") {
    test::TempDir dir;
    auto files = std::move(*filesystem::DiskTree::open(dir.path()));
    dir.write("a.md", "text\n");
    const std::string store = (dir.path() / ".store.db").string();
    {
      World world(*files, 1, store, /*write_back=*/false);
      world.reconcile();
      Peer& a = world.connect();
      a.open(world.wire("a.md"));
      world.run();
      a.edit(world.wire("a.md"), [](crdt::Doc& doc) { doc.text("body").insert(0, "more "); });
      world.pass(5'000);
      CHECK(dir.read("a.md") == "text\n");
    }
    World world(*files, 2, store);
    world.reconcile();
    CHECK(dir.read("a.md") == "more text\n");
  }

  TEST_CASE("a crash before, within or after a write doubles no text") {
    for (int crash_at = 0; crash_at < 3; ++crash_at) {
      CAPTURE(crash_at);
      Setup s;
      Peer& a = s.world.connect();
      const std::string id = s.world.wire("a.md");
      a.open(id);
      s.world.run();
      s.insert(a, id, 1, "Typed. ");
      s.world.run();
      s.world.clock.advance(400);
      (void)s.world.live->end_turn();  // Plans the write, and notes the intention.
      std::vector<sync::DiskTask> tasks = s.world.live->disk().take_tasks();
      REQUIRE(tasks.size() == 1);
      if (crash_at >= 1) CHECK(sync::run_disk_task(*s.files, tasks[0]).status);
      if (crash_at == 2) {
        // More is typed, and made durable, before the crash.
        s.insert(a, id, 1, "More. ");
        (void)s.world.live->end_turn();
      }
      s.world.restart();
      s.world.reconcile();
      const std::string expected = crash_at == 2 ? "\nMore. Typed. Line one" : "\nTyped. Line one";
      CHECK(s.dir.read("a.md") == replaced(kNote, "\nLine one", expected));
      CHECK(*s.world.live->documents().body_text(s.world.id_at("a.md")) + "" ==
            replaced("\nLine one.\nLine two.\nLine three.\n", "\nLine one", expected));
    }
  }

  TEST_CASE("a file that is no text is left alone, named, and taken in once it is text") {
    Setup s;
    s.dir.write("bin.md", std::string("PK\x03\x04\x00\xff\xfe", 7));
    s.watch("bin.md");
    s.world.pass(1'000);
    CHECK(s.world.live->disk().problems().contains("bin.md"));
    CHECK(s.world.id_at("bin.md").empty());
    s.dir.write("bin.md", "text now\n");
    s.watch("bin.md");
    s.world.pass(1'000);
    CHECK(s.world.live->disk().problems().empty());
    CHECK_FALSE(s.world.id_at("bin.md").empty());
  }

  TEST_CASE("a header that cannot be read leaves the header alone while the body is synced") {
    Setup s;
    const std::string broken = "---\ntitle: \"open\nx: [1\n---\nbody\n";
    s.dir.write("broken.md", broken);
    s.watch("broken.md");
    s.world.pass(1'000);
    Peer& a = s.world.connect();
    const std::string id = s.world.wire("broken.md");
    a.open(id);
    s.world.run();
    CHECK(a.body(id) == "body\n");
    s.insert(a, id, 0, "new ");
    s.world.pass(3'000);
    CHECK(s.dir.read("broken.md") == replaced(broken, "body", "new body"));
  }

  TEST_CASE("a first write that changes its place before it is done leaves nothing behind") {
    test::LiveFolder s;
    sync::FileTable table(s.world.live->documents());
    REQUIRE(table.load());
    table.intend("some", "a.md", "text");
    table.intend("some", "b.md", "text");
    CHECK_FALSE(table.id_at("a.md"));
    CHECK(table.id_at("b.md") == "some");
    table.forget("some");
    CHECK_FALSE(table.id_at("a.md"));
    CHECK_FALSE(table.id_at("b.md"));
  }
}
