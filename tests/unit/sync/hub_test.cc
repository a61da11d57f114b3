#include <doctest/doctest.h>

#include "engine/protocol/awareness.h"
#include "engine/protocol/frame.h"
#include "engine/protocol/sync_message.h"
#include "tests/support/live_folder.h"

using namespace diaryx;
using test::Peer;
using test::told;

namespace {

using Setup = test::LiveFolder;

}  // namespace

TEST_SUITE("sync/hub") {
  TEST_CASE("two peers see each other's edits, and nobody hears an echo") {
    Setup s;
    Peer& a = s.world.connect();
    Peer& b = s.world.connect();
    const std::string id = s.world.wire("journal/2024.md");
    a.open(id);
    b.open(id);
    s.world.run();
    a.edit(id, [](crdt::Doc& doc) { doc.text("body").insert(0, "Hello"); });
    const std::size_t before = a.frames.size();
    s.world.run();
    CHECK(b.body(id) == "Hello");
    CHECK(a.frames.size() == before);
    b.edit(id, [](crdt::Doc& doc) { doc.text("body").insert(5, " world"); });
    s.world.run();
    CHECK(a.body(id) == "Hello world");
  }

  TEST_CASE(
      "what one types in a turn is told as one update, and what stands on another behind it") {
    Setup s;
    Peer& a = s.world.connect();
    Peer& b = s.world.connect();
    Peer& c = s.world.connect();
    const std::string id = s.world.wire("journal/2024.md");
    for (Peer* peer : {&a, &b, &c}) peer->open(id);
    s.world.run();
    const auto type = [&](Peer& peer, std::string_view text) {
      peer.edit(id, [&](crdt::Doc& doc) {
        doc.text("body").insert(doc.text("body").length(), std::string(text));
      });
    };
    std::size_t before = b.frames.size();
    for (const char* word : {"one ", "two ", "three "}) type(a, word);
    s.world.run();
    CHECK(b.frames.size() == before + 1);
    CHECK(b.body(id) == "one two three ");
    before = b.frames.size();
    type(a, "four ");
    type(a, "five ");
    type(c, "six ");
    type(a, "seven ");
    s.world.run();
    CHECK(b.frames.size() == before + 3);
    CHECK(b.body(id) == a.body(id));
    CHECK(c.body(id) == a.body(id));
    CHECK(a.body(id).size() == std::string_view("one two three four five six seven ").size());
    // Large ones are passed on as they are.
    before = b.frames.size();
    type(a, std::string(5'000, 'x'));
    type(a, "eight ");
    s.world.run();
    CHECK(b.frames.size() == before + 2);
    CHECK(b.body(id) == a.body(id));
  }

  TEST_CASE(
      "a document opened by path and by id on one connection is one document with two copies") {
    Setup s;
    s.dir.write("a.md", "text\n");
    s.world.reconcile();
    Peer& a = s.world.connect();
    const std::string by_path = s.world.wire("a.md");
    const std::string by_id = s.world.wire(s.world.id_at("a.md"));
    a.open(by_path);
    a.open(by_id);
    s.world.run();
    CHECK(a.body(by_path) == "text\n");
    a.edit(by_path, [](crdt::Doc& doc) { doc.text("body").insert(0, "more "); });
    s.world.run();
    CHECK(a.body(by_id) == "more text\n");
  }

  TEST_CASE("every message of a frame is handled, in order") {
    Setup s;
    Peer& a = s.world.connect();
    const std::string id = s.world.wire("a.md");
    crdt::Doc one(crdt::DocOptions{.client_id = 5});
    one.text("body").insert(0, "first");
    Buffer payload;
    protocol::write_query_awareness(payload);
    protocol::write_sync_step1(payload,
                               crdt::Doc(crdt::DocOptions{.client_id = 6}).encode_state_vector());
    protocol::write_update(payload, one.encode_state_as_update());
    a.send(id, payload);
    s.world.run();
    Peer& b = s.world.connect();
    b.open(id);
    s.world.run();
    CHECK(b.body(id) == "first");
  }

  TEST_CASE("a read-only guest is told, and nothing is applied") {
    Setup s;
    Peer& owner = s.world.connect();
    const auto share = s.world.live->hub().create_share(true, 0);
    REQUIRE(share);
    Peer& guest = s.world.connect(
        {.user_id = "guest:1", .is_guest = true, .read_only = true, .join_code = share->code});
    const std::string id = s.world.wire("a.md");
    owner.open(id);
    guest.open(id);
    s.world.run();
    guest.edit(id, [](crdt::Doc& doc) { doc.text("body").insert(0, "mine"); });
    s.world.run();
    CHECK(told(guest, "error", "code", "read_only"));
    CHECK(owner.body(id).empty());
    owner.edit(id, [](crdt::Doc& doc) { doc.text("body").insert(0, "yours"); });
    s.world.run();
    CHECK(guest.body(id).find("yours") != std::string::npos);
  }

  TEST_CASE("malformed frames and payloads close with 4400 and change nothing") {
    Setup s;
    Peer& good = s.world.connect();
    const std::string id = s.world.wire("a.md");
    good.open(id);
    s.world.run();
    good.edit(id, [](crdt::Doc& doc) { doc.text("body").insert(0, "must survive"); });
    for (const Buffer& bad : {Buffer{}, Buffer{0}, Buffer{255}, Buffer{5, 97}}) {
      Peer& peer = s.world.connect();
      s.world.live->hub().receive(peer.id(), bad);
      s.world.run();
      CHECK(peer.closed == sync::CloseCode::Malformed);
    }
    for (const Buffer& bad :
         {Buffer{0}, Buffer{9}, Buffer{0, 2, 3, 1, 2, 3}, Buffer{1, 3, 1, 9, 9}}) {
      Peer& peer = s.world.connect();
      peer.send(id, bad);
      s.world.run();
      CHECK(peer.closed == sync::CloseCode::Malformed);
      CHECK(told(peer, "error", "code", "malformed"));
    }
    CHECK_FALSE(good.closed);
    CHECK(good.body(id) == "must survive");
  }

  TEST_CASE("a foreign workspace and a bad document id are refused aloud") {
    Setup s;
    Peer& foreign = s.world.connect();
    foreign.open("body:other/a.md");
    s.world.run();
    CHECK(told(foreign, "error", "code", "no_such_workspace"));
    CHECK(foreign.closed == sync::CloseCode::NoSuchWorkspace);
    Peer& sly = s.world.connect();
    sly.open(s.world.wire("../outside.md"));
    sly.open(s.world.wire("ok.md"));
    s.world.run();
    CHECK(told(sly, "error", "doc", "body:test/../outside.md"));
    CHECK_FALSE(sly.closed);
  }

  TEST_CASE("the workspace document waits behind the Files-Ready gate") {
    Setup s;
    s.dir.write("README.md", "---\ntitle: Root\ncontents: []\n---\nhello\n");
    s.world.reconcile();
    Peer& a = s.world.connect();
    Buffer payload;
    protocol::write_sync_step1(payload, Buffer{0});
    a.send("workspace:test", payload);
    s.world.run();
    CHECK(told(a, "file_manifest", "client_is_new", true));
    CHECK(told(a, "file_manifest", "epoch", "epoch"));
    CHECK(a.frames.empty());
    s.world.live->hub().receive_text(a.id(), R"({"type":"files_ready"})");
    s.world.run();
    CHECK(told(a, "crdt_state"));
    CHECK(told(a, "sync_complete", "files_synced", 1));
    REQUIRE(a.frames.size() >= 2);  // Our SyncStep1, and the answer to the one that waited.
  }

  TEST_CASE("a client that does not know the gate is served after ten seconds") {
    Setup s;
    Peer& a = s.world.connect();
    Buffer payload;
    protocol::write_sync_step1(payload, Buffer{0});
    a.send("workspace:test", payload);
    s.world.pass(9'000);
    CHECK(a.frames.empty());
    s.world.pass(1'500);
    CHECK(a.frames.size() == 2);
  }

  TEST_CASE("presences are relayed, shown to newcomers, and end with the connection") {
    Setup s;
    Peer& a = s.world.connect();
    Peer& b = s.world.connect();
    const std::string id = s.world.wire("a.md");
    a.open(id);
    b.open(id);
    s.world.run();
    protocol::Awareness presence(77);
    Buffer payload;
    protocol::write_awareness(payload, presence.encode({77}));
    const std::size_t before = b.frames.size();
    // A state at clock 0 of an unknown client is what Yjs ignores; the next one counts.
    REQUIRE(presence.set_local(R"({"user":"Ann"})", 0));
    payload.clear();
    protocol::write_awareness(payload, presence.encode({77}));
    a.send(id, payload);
    s.world.run();
    REQUIRE(b.frames.size() == before + 1);
    CHECK(b.frames.back().find("Ann") != std::string::npos);
    Peer& c = s.world.connect();
    c.open(id);
    s.world.run();
    bool shown = false;
    for (const std::string& frame : c.frames) shown |= frame.find("Ann") != std::string::npos;
    CHECK(shown);
    a.disconnect();
    s.world.run();
    CHECK(b.frames.back().find("null") != std::string::npos);
  }

  TEST_CASE("focus is relayed as the union of all") {
    Setup s;
    Peer& a = s.world.connect();
    Peer& b = s.world.connect();
    a.open("workspace:test");
    b.open("workspace:test");
    s.world.run();
    CHECK(told(a, "peer_joined", "peer_count", 2));
    s.world.live->hub().receive_text(b.id(), R"({"type":"focus","files":["x.md"]})");
    s.world.run();
    CHECK(told(a, "focus_list_changed", "files", Json::array({"x.md"})));
    b.disconnect();
    s.world.run();
    CHECK(told(a, "focus_list_changed", "files", Json::array()));
    CHECK(told(a, "peer_left", "peer_count", 1));
  }

  TEST_CASE("an update whose past is missing is kept across a restart and completed later") {
    Setup s;
    const std::string id = s.world.wire("a.md");
    crdt::Doc source(crdt::DocOptions{.client_id = 9});
    std::vector<Buffer> updates;
    source.observe(
        [&](const crdt::TransactionSummary& t) { updates.push_back(to_buffer(t.update)); });
    source.text("body").insert(0, "one ");
    source.text("body").insert(4, "two");
    REQUIRE(updates.size() == 2);
    Peer& a = s.world.connect();
    Buffer payload;
    protocol::write_update(payload, updates[1]);
    a.send(id, payload);
    s.world.run();
    s.world.restart();
    Peer& b = s.world.connect();
    payload.clear();
    protocol::write_update(payload, updates[0]);
    b.send(id, payload);
    s.world.run();
    Peer& c = s.world.connect();
    c.open(id);
    s.world.run();
    CHECK(c.body(id) == "one two");
  }

  TEST_CASE("idle documents leave memory and come back whole") {
    Setup s;
    const std::string id = s.world.wire("a.md");
    Peer& a = s.world.connect();
    a.open(id);
    s.world.run();
    for (int i = 0; i < 100; ++i) {
      a.edit(id, [](crdt::Doc& doc) { doc.text("body").insert(0, "x"); });
      s.world.run();
    }
    a.disconnect();
    s.world.pass(15'000);
    CHECK(s.world.live->documents().loaded_count() == 1);
    const auto stored = s.world.store->load("path/a.md");
    REQUIRE(stored);
    CHECK(stored->snapshot.has_value());
    CHECK(stored->updates.empty());
    Peer& b = s.world.connect();
    b.open(id);
    s.world.run();
    CHECK(b.body(id) == std::string(100, 'x'));
  }
}
