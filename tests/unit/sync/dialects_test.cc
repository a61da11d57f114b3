// The ways of speaking, without sockets: what each says first, how it names documents, how it
// refuses, and that a document opened by two of them is one.
#include <doctest/doctest.h>

#include "engine/base/json.h"
#include "engine/crdt/doc.h"
#include "engine/protocol/awareness.h"
#include "engine/protocol/frame.h"
#include "engine/protocol/hocuspocus_message.h"
#include "engine/protocol/sync_message.h"
#include "tests/support/hex.h"
#include "tests/support/live_folder.h"

using namespace diaryx;
using protocol::Framing;
using protocol::MessageKind;
using test::hex;
using test::World;

namespace {

struct Setup;

// A peer that shows what it was sent, octet for octet.
class Raw {
 public:
  Raw(Setup& setup, sync::Visitor visitor);

  void send(Bytes message);
  void text(std::string_view text);
  void take(const sync::Turn& turn);

  std::vector<std::string> texts;
  std::vector<Buffer> frames;
  std::optional<sync::CloseCode> closed;

  // The first frame, which is taken away. Empty if there is none.
  Buffer next() {
    if (frames.empty()) return {};
    Buffer first = std::move(frames.front());
    frames.erase(frames.begin());
    return first;
  }

 private:
  World& world_;
  sync::ConnectionId id_;
};

struct Setup : test::LiveFolder {
  std::vector<std::unique_ptr<Raw>> raws;
  sync::ConnectionId next_id = 1'000;

  Raw& connect(sync::Visitor visitor) {
    raws.push_back(std::make_unique<Raw>(*this, std::move(visitor)));
    return *raws.back();
  }
  Raw& connect(sync::DialectKind dialect, std::string document = {}, bool multiplexed = false) {
    return connect(
        {.principal = {.user_id = "owner"},
         .endpoint = {
             .dialect = dialect, .document = std::move(document), .multiplexed = multiplexed}});
  }
  void run() {
    for (int i = 0; i < 5; ++i) {
      world.live->tick();
      const sync::Turn turn = world.live->end_turn();
      for (const auto& raw : raws) raw->take(turn);
    }
  }
  void pass(std::int64_t ms) {
    for (std::int64_t passed = 0; passed < ms; passed += 500) {
      world.clock.advance(500);
      run();
    }
  }
};

Raw::Raw(Setup& setup, sync::Visitor visitor) : world_(setup.world), id_(setup.next_id++) {
  world_.live->hub().connect(id_, std::move(visitor));
}
void Raw::send(Bytes message) {
  world_.live->hub().receive(id_, message);
}
void Raw::text(std::string_view text) {
  world_.live->hub().receive_text(id_, text);
}
void Raw::take(const sync::Turn& turn) {
  for (const sync::Outgoing& outgoing : turn.sends) {
    for (const sync::ConnectionId target : outgoing.targets) {
      if (target != id_) continue;
      if (outgoing.text) {
        texts.push_back(*outgoing.payload);
      } else {
        frames.push_back(to_buffer(as_bytes(*outgoing.payload)));
      }
    }
  }
  for (const sync::Closing& closing : turn.closes) {
    if (closing.connection != id_) continue;
    closed = closing.code;
    world_.live->hub().disconnect(id_);
  }
}

Buffer step1() {
  return hex("00 00 01 00");
}
Buffer update_of(std::string_view text, std::uint64_t client = 7) {
  crdt::Doc doc(crdt::DocOptions{.client_id = client});
  doc.text("body").insert(0, text);
  Buffer payload;
  protocol::write_update(payload, doc.encode_state_as_update());
  return payload;
}
std::string text_in(Bytes update) {
  crdt::Doc doc(crdt::DocOptions{.client_id = 1});
  REQUIRE(doc.apply_update(update, 1));
  return doc.text("body").to_string();
}
Buffer named(std::string_view name, Bytes payload) {
  return *protocol::encode_frame(name, payload, Framing::LongName);
}
bool said(const Raw& raw, std::string_view part) {
  for (const std::string& text : raw.texts) {
    if (text.find(part) != std::string::npos) return true;
  }
  return false;
}
MessageKind kind_of(Bytes payload) {
  const auto messages = protocol::decode_messages(payload);
  REQUIRE(messages);
  return messages->front().kind;
}

constexpr const char* kBody = "body:test/a.md";

}  // namespace

TEST_SUITE("sync/dialects") {
  TEST_CASE("one document through all dialects at once") {
    Setup s;
    Raw& sync2 = s.connect(sync::DialectKind::Sync2);
    Raw& room = s.connect(sync::DialectKind::YWebsocket, kBody);
    Raw& hocuspocus = s.connect(sync::DialectKind::Hocuspocus);
    Raw& one = s.connect(sync::DialectKind::Sync1, "a.md");
    Raw& many = s.connect(sync::DialectKind::Sync1, "", true);
    sync2.send(*protocol::encode_frame(kBody, step1()));
    hocuspocus.send(named(kBody, hex("02 00 00")));
    many.send(named("a.md", step1()));
    s.run();
    for (const auto& raw : s.raws) raw->frames.clear();
    room.send(update_of("hello"));
    s.run();
    CHECK(room.frames.empty());  // No echo.
    const auto payload_of = [](Raw& raw, Framing framing) {
      REQUIRE(raw.frames.size() == 1);
      const Buffer frame = raw.next();
      return to_buffer(protocol::decode_frame(frame, framing)->payload);
    };
    const Buffer expected = update_of("hello");
    CHECK(payload_of(sync2, Framing::ShortName) == expected);
    CHECK(payload_of(hocuspocus, Framing::LongName) == expected);
    CHECK(payload_of(one, Framing::Bare) == expected);
    CHECK(payload_of(many, Framing::LongName) == expected);
    CHECK(s.world.live->hub().open_documents() == 1);
  }

  TEST_CASE("y-websocket: a socket is a document, and each message is a message of its own") {
    Setup s;
    Raw& room = s.connect(sync::DialectKind::YWebsocket, kBody);
    s.run();
    REQUIRE(room.frames.size() == 1);
    CHECK(room.next() == step1());
    room.send(step1());
    s.run();
    REQUIRE(room.frames.size() == 1);
    CHECK(room.next() == hex("00 01 02 00 00"));
    CHECK(room.texts.empty());
    room.text("{}");
    s.run();
    CHECK(room.closed == sync::CloseCode::Malformed);
  }

  TEST_CASE("y-websocket: what cannot be opened closes the socket, in words that y-protocols has") {
    Setup s;
    for (const char* document : {"body:elsewhere/a.md", "nothing", "body:test/../a.md"}) {
      CAPTURE(document);
      Raw& room = s.connect(sync::DialectKind::YWebsocket, document);
      s.run();
      CHECK(room.closed == sync::CloseCode::NoSuchWorkspace);
      REQUIRE_FALSE(room.frames.empty());
      CHECK(kind_of(room.next()) == MessageKind::AuthDenied);
    }
    CHECK(s.world.live->hub().open_documents() == 0);
  }

  TEST_CASE("y-websocket: a reader is told once that it may not write, and hears the others") {
    Setup s;
    const std::string code = s.world.live->hub().create_share(true, 0)->code;
    Raw& reader =
        s.connect({.principal = {.user_id = "guest:1", .is_guest = true, .join_code = code},
                   .endpoint = {.dialect = sync::DialectKind::YWebsocket, .document = kBody}});
    Raw& writer = s.connect(sync::DialectKind::YWebsocket, kBody);
    s.run();
    reader.frames.clear();
    reader.send(update_of("mine"));
    reader.send(update_of("mine"));
    s.run();
    REQUIRE(reader.frames.size() == 1);
    CHECK(kind_of(reader.next()) == MessageKind::AuthDenied);
    writer.send(update_of("yours", 8));
    s.run();
    REQUIRE(reader.frames.size() == 1);
    CHECK(text_in(protocol::decode_messages(reader.frames[0])->front().body) == "yours");
    CHECK_FALSE(reader.closed);
  }

  TEST_CASE("clients that give up after 30 s of silence are spoken to") {
    Setup s;
    Raw& room = s.connect(sync::DialectKind::YWebsocket, kBody);
    Raw& hocuspocus = s.connect(sync::DialectKind::Hocuspocus);
    Raw& sync2 = s.connect(sync::DialectKind::Sync2);
    hocuspocus.send(named(kBody, hex("02 00 00")));
    sync2.send(*protocol::encode_frame(kBody, step1()));
    s.run();
    for (const auto& raw : s.raws) raw->frames.clear();
    s.pass(22'000);
    REQUIRE(room.frames.size() == 1);
    CHECK(room.next() == hex("01 01 00"));  // Nobody's presence: it says nothing.
    REQUIRE(hocuspocus.frames.size() == 1);
    CHECK(hocuspocus.next() == named(kBody, hex("01 01 00")));
    CHECK(sync2.frames.empty());
  }

  TEST_CASE("Hocuspocus: the token first, then the document; SyncStatus when it is durable") {
    Setup s;
    Raw& peer = s.connect(sync::DialectKind::Hocuspocus);
    peer.send(named(kBody, hex("02 00 05 \"what?\"")));
    s.run();
    CHECK(peer.next() == named(kBody, hex("02 02 0a \"read-write\"")));
    peer.send(named(kBody, step1()));
    s.run();
    CHECK(peer.next() == named(kBody, hex("00 01 02 00 00")));
    CHECK(peer.next() == named(kBody, step1()));
    peer.send(named(kBody, update_of("x")));
    s.run();
    CHECK(peer.next() == named(kBody, hex("08 01")));
    peer.send(hex("09"));
    s.run();
    CHECK(peer.next() == hex("0a"));
    CHECK(peer.frames.empty());
  }

  TEST_CASE("Hocuspocus: one socket may have a document open twice, as two sessions") {
    Setup s;
    const std::string one = std::string(kBody) + '\0' + "one";
    const std::string two = std::string(kBody) + '\0' + "two";
    Raw& peer = s.connect(sync::DialectKind::Hocuspocus);
    peer.send(named(one, hex("02 00 00")));
    peer.send(named(two, hex("02 00 00")));
    s.run();
    peer.frames.clear();
    peer.send(named(one, update_of("x")));
    s.run();
    REQUIRE(peer.frames.size() == 2);
    CHECK(peer.next() == named(one, hex("08 01")));
    CHECK(peer.next() == named(two, update_of("x")));
    peer.send(named(two, hex("07")));
    peer.send(named(one, update_of("y", 9)));
    s.run();
    REQUIRE(peer.frames.size() == 1);  // The other session has left.
  }

  TEST_CASE("Hocuspocus: a reader's edits are answered with what became of them") {
    Setup s;
    const std::string code = s.world.live->hub().create_share(true, 0)->code;
    Raw& reader =
        s.connect({.principal = {.user_id = "guest:1", .is_guest = true, .join_code = code},
                   .endpoint = {.dialect = sync::DialectKind::Hocuspocus, .document = {}}});
    reader.send(named(kBody, hex("02 00 00")));
    s.run();
    CHECK(reader.next() == named(kBody, hex("02 02 08 \"readonly\"")));
    reader.send(named(kBody, hex("00 01 02 00 00")));  // SyncStep2 without anything.
    reader.send(named(kBody, update_of("mine")));
    s.run();
    CHECK(reader.next() == named(kBody, hex("08 01")));
    CHECK(reader.next() == named(kBody, hex("08 00")));
    REQUIRE(s.world.live->hub().set_share_read_only(code, false));
    reader.send(named(kBody, update_of("mine")));
    s.run();
    CHECK(reader.next() == named(kBody, hex("02 02 0a \"read-write\"")));
    CHECK(reader.next() == named(kBody, hex("08 01")));
  }

  TEST_CASE("Hocuspocus: who is not known is refused, and does not stay") {
    Setup s;
    const auto stranger = [&]() -> Raw& {
      return s.connect({.principal = {},
                        .endpoint = {.dialect = sync::DialectKind::Hocuspocus, .document = {}},
                        .is_known = false});
    };
    Raw& guesses = stranger();
    guesses.send(named(kBody, hex("02 00 05 \"guess\"")));
    Raw& hasty = stranger();
    hasty.send(named(kBody, step1()));
    Raw& silent = stranger();
    s.run();
    CHECK(guesses.next() == named(kBody, hex("02 01 11 \"a token is needed\"")));
    CHECK(guesses.closed == sync::CloseCode::NotAuthenticated);
    CHECK(hasty.closed == sync::CloseCode::NotAuthenticated);
    CHECK_FALSE(silent.closed);
    CHECK(s.world.live->hub().open_documents() == 0);
    s.pass(12'000);
    CHECK(silent.closed == sync::CloseCode::NotAuthenticated);
  }

  TEST_CASE("Hocuspocus: a document that is none is denied, and the socket goes on") {
    Setup s;
    Raw& peer = s.connect(sync::DialectKind::Hocuspocus);
    peer.send(named("no such thing", hex("02 00 00")));
    peer.send(named("no such thing", step1()));
    peer.send(named(kBody, hex("02 00 00")));
    s.run();
    REQUIRE(peer.frames.size() == 2);
    CHECK(to_buffer(protocol::decode_frame(peer.frames[0], Framing::LongName)->payload)[1] == 1);
    CHECK(peer.frames[1] == named(kBody, hex("02 02 0a \"read-write\"")));
    CHECK_FALSE(peer.closed);
  }

  TEST_CASE("Hocuspocus: a broadcast goes to all who speak it, the sender too") {
    Setup s;
    Raw& a = s.connect(sync::DialectKind::Hocuspocus);
    Raw& b = s.connect(sync::DialectKind::Hocuspocus);
    Raw& room = s.connect(sync::DialectKind::YWebsocket, kBody);
    a.send(named(kBody, hex("02 00 00")));
    b.send(named(kBody, hex("02 00 00")));
    s.run();
    for (const auto& raw : s.raws) raw->frames.clear();
    a.send(named(kBody, hex("06 02 \"hi\"")));
    s.run();
    CHECK(a.next() == named(kBody, hex("05 02 \"hi\"")));
    CHECK(b.next() == named(kBody, hex("05 02 \"hi\"")));
    CHECK(room.frames.empty());
  }

  TEST_CASE("v1: the workspace document waits for files_ready, and nothing sent before is lost") {
    Setup s;
    s.dir.write("a.md", "text\n");
    s.world.reconcile();
    Raw& peer = s.connect(sync::DialectKind::Sync1);
    s.run();
    CHECK(said(peer, R"("type":"file_manifest")"));
    CHECK(said(peer, R"("client_is_new":true)"));
    peer.send(step1());
    s.run();
    CHECK(peer.frames.empty());
    peer.text(R"({"type":"files_ready"})");
    s.run();
    CHECK(said(peer, R"("type":"crdt_state")"));
    REQUIRE(peer.frames.size() == 1);
    const Buffer answer = peer.next();
    const auto messages = protocol::decode_messages(answer);
    REQUIRE(messages->size() == 2);
    CHECK((*messages)[0].kind == MessageKind::SyncStep2);
    CHECK((*messages)[1].kind == MessageKind::SyncStep1);
    CHECK_FALSE(said(peer, "sync_complete"));
    peer.send(hex("00 01 02 00 00"));
    peer.send(hex("00 01 02 00 00"));
    s.run();
    CHECK(peer.texts.back() == R"({"type":"sync_complete","files_synced":1})");
    CHECK(peer.texts.size() == 3);
  }

  TEST_CASE(
      "v1: an empty workspace is sent at once; a client that says nothing is served in time") {
    Setup s;
    Raw& empty = s.connect(sync::DialectKind::Sync1);
    s.run();
    CHECK(empty.next() == hex("00 01 02 00 00"));
    s.dir.write("a.md", "text\n");
    s.world.reconcile();
    Raw& silent = s.connect(sync::DialectKind::Sync1);
    silent.send(step1());
    s.pass(11'000);
    CHECK(said(silent, R"("type":"crdt_state")"));
    CHECK(silent.frames.size() == 1);
  }

  TEST_CASE(
      "v1: many bodies by path, focus, and the end of the first sync after three quiet seconds") {
    Setup s;
    Raw& a = s.connect(sync::DialectKind::Sync1, "", true);
    a.send(named("a.md", step1()));
    a.send(named("b.md", step1()));
    s.run();
    REQUIRE(a.frames.size() == 2);
    const Buffer answer = a.next();
    const auto frame = protocol::decode_frame(answer, Framing::LongName);
    CHECK(frame->doc_id == "a.md");
    CHECK(protocol::decode_messages(frame->payload)->size() == 2);
    a.text(R"({"type":"focus","files":["a.md"]})");
    s.run();
    CHECK(said(a, R"({"type":"focus_list_changed","files":["a.md"]})"));
    Raw& b = s.connect(sync::DialectKind::Sync1, "", true);
    s.run();
    CHECK(said(b, R"({"type":"focus_list_changed","files":["a.md"]})"));
    CHECK_FALSE(said(a, "sync_complete"));
    s.pass(3'500);
    CHECK(said(a, R"({"type":"sync_complete","files_synced":2})"));
    CHECK_FALSE(said(b, "sync_complete"));
  }

  TEST_CASE("v1: one body begins with our question; presences are not passed on") {
    Setup s;
    Raw& one = s.connect(sync::DialectKind::Sync1, "a.md");
    Raw& room = s.connect(sync::DialectKind::YWebsocket, kBody);
    s.run();
    CHECK(one.next() == step1());
    protocol::Awareness awareness(7);
    Buffer presence;
    protocol::write_awareness(presence, awareness.encode({7}));
    room.send(presence);
    s.run();
    CHECK(one.frames.empty());
    Raw& nowhere = s.connect(sync::DialectKind::Sync1, "../a.md");
    s.run();
    CHECK(nowhere.closed == sync::CloseCode::NoSuchWorkspace);
    CHECK(said(nowhere, R"("type":"error")"));
  }

  TEST_CASE("malformed messages close the socket in every dialect, and nothing was applied") {
    Setup s;
    Raw& good = s.connect(sync::DialectKind::YWebsocket, kBody);
    for (const auto& [kind, message] :
         {std::pair{sync::DialectKind::YWebsocket, hex("00 02 02 ff")},
          std::pair{sync::DialectKind::Hocuspocus, named(kBody, hex("00 02 02 ff"))},
          std::pair{sync::DialectKind::Hocuspocus, hex("ff ff ff ff ff 7f 00")},
          std::pair{sync::DialectKind::Sync1, hex("00 02 03 01 01 01")},
          std::pair{sync::DialectKind::Sync2, hex("05")}}) {
      CAPTURE(static_cast<int>(kind));
      const bool has_document =
          kind == sync::DialectKind::YWebsocket || kind == sync::DialectKind::Sync1;
      Raw& bad = s.connect(kind, !has_document                      ? ""
                                 : kind == sync::DialectKind::Sync1 ? "a.md"
                                                                    : kBody);
      bad.send(named(kBody, hex("02 00 00")));
      bad.send(message);
      s.run();
      CHECK(bad.closed == sync::CloseCode::Malformed);
    }
    good.frames.clear();
    good.send(step1());
    s.run();
    CHECK(good.next() == hex("00 01 02 00 00"));
  }
}
