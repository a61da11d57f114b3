// Every bound of the hub: just within it things go on, beyond it the connection is closed with the
// code that docs/sync.md names, and others do not notice.
#include <doctest/doctest.h>

#include "engine/codec/writer.h"
#include "engine/protocol/frame.h"
#include "engine/protocol/hocuspocus_message.h"
#include "engine/protocol/sync_message.h"
#include "tests/support/live_folder.h"

using namespace diaryx;
using test::Peer;

namespace {

struct Setup : test::LiveFolder {
  explicit Setup(const sync::Limits& limits) : LiveFolder(StoreIn::Memory, limits) {}
};

bool refused(const Peer& peer, std::string_view code) {
  return test::told(peer, "error", "code", std::string(code));
}

Buffer step1() {
  Buffer payload;
  protocol::write_sync_step1(payload, Buffer{0});
  return payload;
}

}  // namespace

TEST_SUITE("sync/limits") {
  TEST_CASE("a frame") {
    Setup s({.frame_bytes = 1'000});
    Peer& fits = s.world.connect();
    Peer& large = s.world.connect();
    const std::string id = s.world.wire("a.md");
    fits.open(id);
    large.open(id);
    s.world.run();
    fits.edit(id, [](crdt::Doc& doc) { doc.text("body").insert(0, std::string(900, 'x')); });
    s.world.run();
    CHECK_FALSE(fits.closed);
    large.edit(id, [](crdt::Doc& doc) { doc.text("body").insert(0, std::string(1'000, 'y')); });
    s.world.run();
    CHECK(large.closed == sync::CloseCode::TooLarge);
    CHECK(refused(large, "frame_too_large"));
    CHECK(fits.body(id) == std::string(900, 'x'));
  }

  TEST_CASE("questions in one message") {
    Setup s({.frame_bytes = 1'000});
    Peer& fits = s.world.connect();
    Peer& asks = s.world.connect();
    const std::string id = s.world.wire("a.md");
    const auto questions = [](int count) {
      Buffer payload;
      for (int i = 0; i < count; ++i) protocol::write_sync_step1(payload, Buffer{0});
      return payload;
    };
    fits.send(id, questions(16));
    asks.send(id, questions(17));
    s.world.run();
    CHECK_FALSE(fits.closed);
    CHECK(asks.closed == sync::CloseCode::TooMany);
    CHECK(refused(asks, "too_many_questions"));
  }

  TEST_CASE("a document") {
    Setup s({.document_bytes = 2'000});
    Peer& a = s.world.connect();
    Peer& b = s.world.connect();
    const std::string id = s.world.wire("a.md");
    a.open(id);
    b.open(id);
    s.world.run();
    a.edit(id, [](crdt::Doc& doc) { doc.text("body").insert(0, std::string(1'500, 'x')); });
    s.world.run();
    CHECK_FALSE(a.closed);
    b.edit(id, [](crdt::Doc& doc) { doc.text("body").insert(0, std::string(1'500, 'y')); });
    s.world.run();
    CHECK(b.closed == sync::CloseCode::TooLarge);
    CHECK(refused(b, "document_too_large"));
    CHECK(a.body(id) == std::string(1'500, 'x'));
    CHECK_FALSE(a.closed);
  }

  TEST_CASE("documents of a connection") {
    Setup s({.documents_per_connection = 3});
    Peer& peer = s.world.connect();
    for (const char* name : {"a.md", "b.md", "c.md"}) peer.open(s.world.wire(name));
    s.world.run();
    CHECK_FALSE(peer.closed);
    peer.open(s.world.wire("d.md"));
    s.world.run();
    CHECK(peer.closed == sync::CloseCode::TooMany);
    Peer& other = s.world.connect();
    for (const char* name : {"a.md", "b.md", "c.md"}) other.open(s.world.wire(name));
    s.world.run();
    s.world.live->hub().receive_text(other.id(),
                                     R"({"action":"leave","doc":")" + s.world.wire("a.md") + "\"}");
    other.open(s.world.wire("d.md"));
    s.world.run();
    CHECK_FALSE(other.closed);
  }

  TEST_CASE("bodies that wait for their file") {
    Setup s({.orphan_documents = 2});
    s.dir.write("real.md", "text\n");
    s.world.reconcile();
    Peer& peer = s.world.connect();
    for (const char* name : {"a.md", "b.md"}) {
      peer.open(s.world.wire(name));
      peer.edit(s.world.wire(name), [](crdt::Doc& doc) { doc.text("body").insert(0, "x"); });
    }
    peer.open(s.world.wire("real.md"));
    peer.open(s.world.wire("a.md"));
    s.world.run();
    CHECK_FALSE(peer.closed);
    peer.open(s.world.wire("c.md"));
    s.world.run();
    CHECK(peer.closed == sync::CloseCode::TooMany);
    CHECK(s.world.live->documents().waiting().size() == 2);
  }

  TEST_CASE("frames before the Files-Ready gate") {
    Setup s({.pending_frames_per_document = 4});
    s.dir.write("real.md", "text\n");
    s.world.reconcile();
    Peer& peer = s.world.connect();
    for (int i = 0; i < 4; ++i) peer.send("workspace:test", step1());
    s.world.run();
    CHECK_FALSE(peer.closed);
    peer.send("workspace:test", step1());
    s.world.run();
    CHECK(peer.closed == sync::CloseCode::TooMany);
    CHECK(refused(peer, "too_many_frames"));
  }

  TEST_CASE("files on a screen") {
    Setup s({});
    Peer& peer = s.world.connect();
    peer.open(s.world.wire("a.md"));
    std::string text = R"({"type":"focus","files":[)";
    for (std::size_t i = 0; i <= protocol::kMaxFocusFiles; ++i)
      text += (i == 0 ? "\"" : ",\"") + std::to_string(i) + ".md\"";
    s.world.live->hub().receive_text(peer.id(), text + "]}");
    s.world.run();
    CHECK(refused(peer, "limit_exceeded"));
    for (int part = 0; part < 2; ++part) {
      std::string half = R"({"type":"focus","files":["z")";
      for (std::size_t i = 0; i < 900; ++i)
        half += ",\"" + std::to_string(part) + "-" + std::to_string(i) + ".md\"";
      s.world.live->hub().receive_text(peer.id(), half + "]}");
    }
    s.world.run();
    CHECK(s.world.live->hub().focus().size() == protocol::kMaxFocusFiles);
    CHECK_FALSE(peer.closed);
  }

  TEST_CASE("a message that is passed on unread") {
    Setup s({.stateless_bytes = 100});
    sync::Hub& hub = s.world.live->hub();
    hub.connect(500, {.principal = {.user_id = "owner"},
                      .endpoint = {.dialect = sync::DialectKind::Hocuspocus, .document = {}}});
    const std::string id = s.world.wire("a.md");
    const auto send = [&](Bytes payload) {
      hub.receive(500, *protocol::encode_frame(id, payload, protocol::Framing::LongName));
      return s.world.live->end_turn();
    };
    const auto broadcast = [&](std::size_t size) {
      Buffer payload{6};
      codec::Writer(payload).var_string(std::string(size, 'x'));
      return send(payload);
    };
    (void)send(step1());
    const sync::Turn passed = broadcast(100);
    CHECK(passed.sends.size() == 1);
    CHECK(passed.closes.empty());
    const sync::Turn refused = broadcast(101);
    REQUIRE(refused.closes.size() == 1);
    CHECK(refused.closes[0].code == sync::CloseCode::TooLarge);
  }
}
