// What happens by time alone.
#include <doctest/doctest.h>

#include "engine/filesystem/disk_tree.h"
#include "tests/support/live_world.h"
#include "tests/support/temp_dir.h"

using namespace diaryx;
using test::Peer;
using test::World;

namespace {

struct Setup {
  test::TempDir dir;
  std::unique_ptr<filesystem::DiskTree> files = std::move(*filesystem::DiskTree::open(dir.path()));
  World world{*files, 1};
};

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
}
