// What happens by time alone.
#include <doctest/doctest.h>

#include "tests/support/live_folder.h"

using namespace diaryx;
using test::Peer;
using test::World;

namespace {

using Setup = test::LiveFolder;

// As a server does it: sleeps until something is due, and only then looks at the timers.
void sleep_for(World& world, std::int64_t ms) {
  const std::int64_t end = world.clock.steady_ms() + ms;
  for (auto due = world.live->next_due_ms(); due && *due <= end; due = world.live->next_due_ms()) {
    const std::int64_t now = world.clock.steady_ms();
    if (*due > now) world.clock.advance(*due - now);
    // Asked again, as the loop does that may have been woken by something else.
    const auto still = world.live->next_due_ms();
    if (still && *still <= world.clock.steady_ms()) world.live->tick();
    (void)world.live->end_turn();
  }
}

}  // namespace

TEST_SUITE("sync/live") {
  TEST_CASE("documents that nobody has open leave memory, also when nobody is connected") {
    Setup s;
    Peer& peer = s.world.connect();
    for (const char* name : {"a.md", "b.md", "c.md"}) {
      peer.open(s.world.wire(name));
      peer.edit(s.world.wire(name), [](crdt::Doc& doc) { doc.text("body").insert(0, "text"); });
    }
    s.world.run();
    CHECK(s.world.live->documents().loaded_count() == 4);  // And the workspace's.
    peer.disconnect();
    (void)s.world.live->end_turn();
    sleep_for(s.world, 9'000);
    CHECK(s.world.live->documents().loaded_count() == 4);
    sleep_for(s.world, 3'000);
    CHECK(s.world.live->documents().loaded_count() == 1);
    // And then there is nothing to wake up for.
    CHECK_FALSE(s.world.live->next_due_ms().has_value());
  }

  TEST_CASE("a document that is typed in for long does not grow by what was deleted again") {
    Setup s;
    Peer& peer = s.world.connect();
    Peer& other = s.world.connect();
    const std::string id = s.world.wire("a.md");
    peer.open(id);
    other.open(id);
    s.world.run();
    sync::LiveDocument* document = s.world.live->documents().loaded("path/a.md");
    REQUIRE(document != nullptr);
    for (int i = 0; i < 200; ++i) {
      peer.edit(id, [&](crdt::Doc& doc) {
        crdt::Text text = doc.text("body");
        text.erase(0, text.length());
        text.insert(0, std::string(100'000, static_cast<char>('a' + i % 26)));
      });
      s.world.pass(100);
    }
    CHECK(document->stored_bytes < (9U << 20U));  // Of 20 MB.
    CHECK(document->log_rows < 100);
    // Both sides go on, in the document that took the other's place.
    other.edit(id, [](crdt::Doc& doc) { doc.text("body").insert(0, "other "); });
    s.world.run();
    CHECK(peer.body(id) == other.body(id));
    CHECK(document->text().to_string() == peer.body(id));
    CHECK(peer.body(id).starts_with("other rrrr"));
    // And after a crash it is the same.
    const std::string before = peer.body(id);
    s.world.restart();
    const auto opened = s.world.live->documents().open_document("path/a.md");
    REQUIRE(opened);
    CHECK((*opened)->text().to_string() == before);
  }

  TEST_CASE("what a failed commit in the middle of a turn lost is never answered as good") {
    Setup s;
    Peer& writer = s.world.connect();
    Peer& reader = s.world.connect();
    const std::string id = s.world.wire("a.md");
    const std::string other = s.world.wire("b.md");
    writer.open(id);
    for (Peer* peer : {&writer, &reader}) peer->open(other);
    s.world.run();
    sync::Documents& documents = s.world.live->documents();
    writer.edit(id, [](crdt::Doc& doc) { doc.text("body").insert(0, "lost on the way"); });
    documents.queue([](storage::Store&) -> Status {
      return Error{ErrorCode::NoSpace, "no space left on device"};
    });
    crdt::Doc made(crdt::DocOptions{.client_id = 99});
    made.text("body").insert(0, "new");
    documents.create("body/new", made.encode_state_as_update());
    CHECK_FALSE(documents.open_document("body/new"));
    const sync::Turn turn = s.world.live->end_turn();
    REQUIRE(turn.lost);
    CHECK(turn.lost->code == ErrorCode::NoSpace);
    writer.take(turn);
    reader.take(turn);
    CHECK(writer.closed == sync::CloseCode::Internal);
    CHECK_FALSE(reader.closed);
    // It comes back, and sends again what the disk lacks.
    writer.reconnect(*s.world.live, 77);
    s.world.run();
    Peer& late = s.world.connect();
    late.open(id);
    s.world.run();
    CHECK(late.body(id) == "lost on the way");
  }
}
