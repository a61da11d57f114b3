// A file system below the root that goes away takes no note with it.
#include "engine/sync/mounts.h"

#include <doctest/doctest.h>

#include "engine/filesystem/memory_tree.h"
#include "tests/support/live_world.h"

using namespace diaryx;
using test::Peer;
using test::World;

namespace {

struct Setup {
  ManualClock clock;
  filesystem::MemoryTree files{clock};
  World world{files, 1};

  Setup() {
    files.edit("home.md", "Home.\n");
    files.edit("disk/a.md", "One.\n");
    files.edit("disk/deep/b.md", "Two.\n");
    files.mount("disk");
    world.reconcile();
  }
  std::size_t live_notes() const {
    std::size_t count = 0;
    for (const auto& [id, record] : world.live->documents().metadata().records())
      count += record.deleted ? 0 : 1;
    return count;
  }
  void look(std::initializer_list<const char*> paths) {
    std::set<WorkspacePath> changed;
    for (const char* path : paths) changed.insert(*WorkspacePath::parse(path));
    world.live->disk().paths_changed(changed);
    world.run();
  }
  bool told() const { return world.live->disk().problems().contains("disk"); }
};

}  // namespace

TEST_SUITE("sync/mounts") {
  TEST_CASE("what was mounted and is not counts as away, whoever notices it, until it is back") {
    for (const bool by_listing : {true, false}) {
      Setup s;
      s.files.unmount("disk");
      if (by_listing) {
        s.world.reconcile();
      } else {
        s.look({"disk/a.md", "disk/deep/b.md"});
      }
      CHECK(s.live_notes() == 3);
      CHECK(s.told());
      s.world.pass(60'000);
      s.look({"disk/a.md"});
      s.world.reconcile();
      CHECK(s.live_notes() == 3);
      CHECK(s.world.live->disk().idle());
      s.files.mount("disk");
      s.files.edit("disk/a.md", "One, changed.\n");
      s.files.erase("disk/deep/b.md");
      s.world.pass(3'000);  // Nobody tells of a mount.
      CHECK_FALSE(s.told());
      CHECK(s.live_notes() == 2);
      CHECK(*s.world.live->documents().body_text(s.world.id_at("disk/a.md")) == "One, changed.\n");
    }
  }

  TEST_CASE("a server that is started while it is away knows it too") {
    Setup s;
    s.files.unmount("disk");
    s.world.restart();
    s.world.reconcile();
    CHECK(s.live_notes() == 3);
    CHECK(s.told());
    s.files.mount("disk");
    s.world.pass(3'000);
    CHECK(s.live_notes() == 3);
    CHECK_FALSE(s.told());
  }

  TEST_CASE("what is typed meanwhile waits, and is written when it is back") {
    Setup s;
    const std::string id = s.world.id_at("disk/a.md");
    const std::string wire = s.world.wire(id);
    Peer& peer = s.world.connect();
    peer.open("workspace:test");
    peer.open(wire);
    s.world.run();
    s.files.unmount("disk");
    s.world.reconcile();
    peer.edit(wire, [](crdt::Doc& doc) { doc.text("body").insert(0, "Typed. "); });
    s.world.pass(30'000);
    CHECK_FALSE(s.files.has("disk/a.md"));
    CHECK(s.world.live->disk().unwritten().contains("disk/a.md"));
    s.files.mount("disk");
    s.world.pass(10'000);
    CHECK(s.files.peek("disk/a.md") == "Typed. One.\n");
    CHECK(s.world.live->disk().unwritten().empty());
    CHECK(s.live_notes() == 3);
  }

  TEST_CASE("files that are deleted on what is mounted are deleted") {
    Setup s;
    s.files.erase("disk/a.md");
    s.look({"disk/a.md"});
    CHECK(s.live_notes() == 2);
    CHECK_FALSE(s.told());
    s.files.erase("disk/deep/b.md");
    s.world.reconcile();
    CHECK(s.live_notes() == 1);
  }

  TEST_CASE("something that is mounted over notes hides them; with them in it, it is their place") {
    Setup s;
    s.files.edit("photos/c.md", "Three.\n");
    s.world.reconcile();
    s.files.unmount("photos");
    s.files.mount("photos");  // The same files: somebody has copied them first.
    s.world.reconcile();
    CHECK(s.live_notes() == 4);
    CHECK(s.world.live->disk().problems().empty());
    s.files.unmount("photos");
    s.world.reconcile();
    CHECK(s.world.live->disk().problems().contains("photos"));
    s.files.edit("photos/c.md", "Three.\n");  // It is a folder like any other from now on.
    s.world.reconcile();
    CHECK(s.world.live->disk().problems().empty());
    s.files.erase("photos/c.md");
    s.world.reconcile();
    CHECK(s.live_notes() == 3);
  }

  TEST_CASE("who removes the empty folder has said that the notes are gone") {
    for (const bool at_once : {true, false}) {
      Setup s;
      s.files.unmount("disk");
      if (!at_once) s.world.reconcile();
      s.files.erase("disk");
      s.world.pass(3'000);
      s.world.reconcile();
      CHECK(s.live_notes() == 1);
      CHECK_FALSE(s.told());
    }
  }
}
