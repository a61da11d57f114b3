// Another process writes to the store while we have it open: nothing of it, and nothing of ours, is
// lost.
#include <doctest/doctest.h>

#include "engine/sync/note_edits.h"
#include "tests/support/live_folder.h"

using namespace diaryx;
using test::Peer;
using test::World;

namespace {

struct Setup : test::LiveFolder {
  std::string id;

  Setup() : LiveFolder(StoreIn::File) {
    dir.write("a.md", "start\n");
    world.reconcile();
    id = world.id_at("a.md");
  }
  // What a second process does that has the document open, too: it adds to the end.
  void append_elsewhere(const std::string& text) {
    auto store = storage::Store::open(store_file, storage::OpenMode::ReadWrite);
    REQUIRE(store);
    const std::string name = sync::body_doc_name(id);
    crdt::Doc doc(crdt::DocOptions{.client_id = 77});
    const auto stored = (*store)->load(name);
    REQUIRE(stored);
    if (stored->snapshot) REQUIRE(doc.apply_update(stored->snapshot->state));
    for (const auto& update : stored->updates) REQUIRE(doc.apply_update(update.data));
    const auto before = doc.encode_state_vector();
    doc.text("body").insert(doc.text("body").length(), text);
    const auto update = doc.encode_state_as_update(before);
    REQUIRE(update);
    const storage::NewUpdate row{name, *update, storage::UpdateOrigin::Remote, 1};
    REQUIRE((*store)->append({&row, 1}));
  }
};

}  // namespace

TEST_SUITE("sync/foreign") {
  TEST_CASE(
      "what another process appended is told to those who have the document open, and written") {
    Setup s;
    Peer& peer = s.world.connect();
    const std::string wire = s.world.wire("a.md");
    peer.open(wire);
    s.world.run();
    peer.edit(wire, [](crdt::Doc& doc) { doc.text("body").insert(0, "ours "); });
    s.world.run();
    s.append_elsewhere("theirs\n");
    s.world.pass(6'000);
    CHECK(peer.body(wire) == "ours start\ntheirs\n");
    CHECK(s.dir.read("a.md") == "ours start\ntheirs\n");
    s.world.restart();
    CHECK(*s.world.live->documents().body_text(s.id) == "ours start\ntheirs\n");
  }

  TEST_CASE("a log is not folded over what another process appended to it") {
    Setup s;
    sync::Documents& documents = s.world.live->documents();
    sync::LiveDocument* document = *documents.open_document(sync::body_doc_name(s.id));
    for (int i = 0; i < 100; ++i) {
      document->doc->transact([&] { document->text().insert(0, "x"); });
      (void)s.world.live->end_turn();
    }
    s.append_elsewhere("theirs\n");
    REQUIRE(documents.fold(*document));
    CHECK(document->log_rows > 64);
    s.world.restart();
    CHECK(s.world.live->documents().body_text(s.id)->ends_with("xstart\ntheirs\n"));
    // Once it is taken in, there is nothing against it.
    sync::Documents& again = s.world.live->documents();
    document = *again.open_document(sync::body_doc_name(s.id));
    REQUIRE(again.fold(*document));
    CHECK(document->log_rows == 0);
    s.world.restart();
    CHECK(s.world.live->documents().body_text(s.id)->ends_with("xstart\ntheirs\n"));
  }

  TEST_CASE("a document that another process removed is stored again, whole") {
    Setup s;
    sync::Documents& documents = s.world.live->documents();
    sync::LiveDocument* document = *documents.open_document(sync::body_doc_name(s.id));
    {
      auto store = storage::Store::open(s.store_file, storage::OpenMode::ReadWrite);
      REQUIRE(store);
      REQUIRE((*store)->remove_doc(document->name));
    }
    CHECK(*documents.take_in_foreign());
    document->doc->transact([&] { document->text().insert(0, "more "); });
    (void)s.world.live->end_turn();
    s.world.restart();
    CHECK(*s.world.live->documents().body_text(s.id) == "more start\n");
  }

  TEST_CASE("nothing is taken in when nobody wrote, or we alone did") {
    test::TempDir dir;
    const auto files = std::move(*filesystem::DiskTree::open(dir.path()));
    test::TempDir store_dir;
    World fresh(*files, 1, (store_dir.path() / "store.db").string());
    dir.write("a.md", "x\n");
    fresh.live->disk().rescan();
    for (int i = 0; i < 5; ++i) {
      (void)fresh.live->end_turn();  // The first to keep something switches the store to WAL.
      for (sync::DiskTask& task : fresh.live->disk().take_tasks())
        fresh.live->disk().complete(sync::run_disk_task(*files, std::move(task)));
    }
    CHECK(fresh.id_at("a.md") != "");
    CHECK_FALSE(*fresh.live->documents().take_in_foreign());
    Setup s;
    CHECK_FALSE(*s.world.live->documents().take_in_foreign());
    SeededRandom random{3};
    sync::NoteEdits edits(s.world.live->documents(), random);
    REQUIRE(edits.create({.title = "New", .path = {}, .parent = {}, .body = {}}));
    s.world.pass(5'000);
    CHECK_FALSE(*s.world.live->documents().take_in_foreign());
  }

  TEST_CASE("a write that ends after the ledger was loaded afresh is taken for what it is") {
    Setup s;
    SeededRandom random{3};
    sync::NoteEdits edits(s.world.live->documents(), random);
    REQUIRE(edits.write(s.id, "written\n"));
    (void)s.world.live->end_turn();
    s.world.clock.advance(3'000);
    (void)s.world.live->end_turn();
    std::vector<sync::DiskTask> tasks = s.world.live->disk().take_tasks();
    REQUIRE(tasks.size() == 1);
    REQUIRE(s.world.live->disk().load());
    s.world.live->disk().complete(sync::run_disk_task(*s.files, std::move(tasks[0])));
    s.world.pass(5'000);
    CHECK(s.dir.read("a.md") == "written\n");
    CHECK(s.world.live->disk().idle());
  }
}
