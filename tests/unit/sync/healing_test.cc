#include "engine/sync/healing.h"

#include <doctest/doctest.h>

#include "engine/filesystem/disk_tree.h"
#include "engine/sync/health.h"
#include "tests/support/live_world.h"
#include "tests/support/temp_dir.h"

using namespace diaryx;
using sync::Healing;
using test::Peer;
using test::World;

namespace {

constexpr const char* kRoot =
    "---\ntitle: Root # keep me\ncontents:\n  - gone.md\n  - \"[A](/a.md)\"  # "
    "first\n---\nWelcome.\n";
constexpr const char* kIndex = "---\ntitle: I\npart_of: README.md\ncontents: [a.md]\n---\n";
constexpr const char* kNote = "---\ntitle: A\npart_of: i.md\n---\nText.\n";

struct Setup {
  test::TempDir dir;
  std::unique_ptr<filesystem::DiskTree> files = std::move(*filesystem::DiskTree::open(dir.path()));
  World world{*files, 1};

  Setup() {
    dir.write("README.md", kRoot);
    dir.write("i.md", kIndex);
    dir.write("a.md", kNote);
    dir.write("gone.md", "Going.\n");
    world.reconcile();
    std::filesystem::remove(dir.path() / "gone.md");
    world.reconcile();
  }
  Healing healing() { return {world.live->documents(), world.live->disk(), *files}; }
  void settle() {
    world.run();
    world.pass(3'000);
  }
};

}  // namespace

TEST_SUITE("sync/healing") {
  TEST_CASE("what is mended reaches the files, and only the lines it is about") {
    Setup s;
    Peer& peer = s.world.connect();
    crdt::Doc& records = peer.open("workspace:test");
    s.world.run();
    const auto report = s.healing().heal(false);
    REQUIRE(report);
    REQUIRE(report->mended.size() == 2);
    CHECK(report->mended[0].kind == workspace::IssueKind::TwoParents);
    CHECK(report->mended[1].kind == workspace::IssueKind::MissingChild);
    CHECK(report->left.ok());
    s.settle();
    CHECK(s.dir.read("README.md") == "---\ntitle: Root # keep me\ncontents: []\n---\nWelcome.\n");
    CHECK(s.dir.read("a.md") == kNote);
    // And whoever is connected.
    CHECK(records.encode_state_as_update() ==
          s.world.live->documents().workspace().doc->encode_state_as_update());
    const auto again = s.healing().heal(false);
    REQUIRE(again);
    CHECK(again->mended.empty());
    CHECK(again->left.issues.empty());
  }

  TEST_CASE("undo gives back every octet, also after a restart") {
    Setup s;
    REQUIRE(s.healing().heal(false));
    s.settle();
    s.world.restart();
    s.world.reconcile();
    const auto undone = s.healing().undo();
    REQUIRE(undone);
    CHECK(undone->undone == std::vector<std::string>{"README.md"});
    CHECK(undone->kept.empty());
    s.settle();
    CHECK(s.dir.read("README.md") == kRoot);
    const auto none = s.healing().undo();
    REQUIRE_FALSE(none);
    CHECK(none.error().code == ErrorCode::NotFound);
  }

  TEST_CASE("undo leaves alone what was changed since") {
    Setup s;
    s.dir.write("i.md", "---\ntitle: I\n---\n");
    s.dir.write("a.md", "---\ntitle: A\npart_of: nobody.md\n---\nText.\n");
    s.world.reconcile();
    REQUIRE(s.healing().heal(false));
    s.settle();
    CHECK(s.dir.read("a.md") == "---\ntitle: A\npart_of: \"[Root](/README.md)\"\n---\nText.\n");
    s.dir.write("a.md", "---\ntitle: A\npart_of: i.md\n---\nText.\n");
    s.dir.write(
        "README.md",
        "---\ntitle: Root # keep me\ncontents:\n  - new.md\n  - \"[A](/a.md)\"\n---\nHi.\n");
    s.world.reconcile();
    const auto undone = s.healing().undo();
    REQUIRE(undone);
    CHECK(undone->undone == std::vector<std::string>{"README.md"});
    CHECK(undone->kept == std::vector<std::string>{"a.md"});
    s.settle();
    CHECK(s.dir.read("a.md") == "---\ntitle: A\npart_of: i.md\n---\nText.\n");
    CHECK(s.dir.read("README.md") ==
          "---\ntitle: Root # keep me\ncontents:\n  - gone.md\n  - new.md\n  - "
          "\"[A](/a.md)\"\n---\nHi.\n");
  }

  TEST_CASE("a trial changes nothing") {
    Setup s;
    const auto report = s.healing().heal(true);
    REQUIRE(report);
    CHECK(report->mended.size() == 2);
    CHECK_FALSE(report->left.ok());
    CHECK_FALSE(s.world.live->documents().has_changes());
    CHECK_FALSE(s.healing().undo());
  }

  TEST_CASE("a text that waits becomes a note with that text; undone, it is in the trash") {
    Setup s;
    Peer& peer = s.world.connect();
    const std::string wire = s.world.wire("new/idea.md");
    peer.open(wire);
    peer.edit(wire, [](crdt::Doc& doc) { doc.text("body").insert(0, "An idea.\n"); });
    s.world.run();
    REQUIRE(s.healing().heal(false));
    s.settle();
    CHECK(s.dir.read("new/idea.md") == "An idea.\n");
    // Who had it open by its path still has.
    peer.edit(wire, [](crdt::Doc& doc) { doc.text("body").insert(0, "Mine. "); });
    s.settle();
    CHECK(s.dir.read("new/idea.md") == "Mine. An idea.\n");
    REQUIRE(s.healing().undo());
    s.settle();
    CHECK_FALSE(std::filesystem::exists(s.dir.path() / "new/idea.md"));
    bool in_trash = false;
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(s.dir.path() / ".diaryx/trash"))
      in_trash = in_trash || entry.path().filename() == "idea.md";
    CHECK(in_trash);
  }

  TEST_CASE("twenty mendings can be taken back, not more") {
    Setup s;
    for (int i = 0; i < 25; ++i) {
      s.dir.write("a.md", "---\npart_of: nobody.md\n---\n" + std::to_string(i) + "\n");
      s.dir.write("i.md", "---\ntitle: I\n---\n");
      s.world.reconcile();
      REQUIRE(s.healing().heal(false));
      s.settle();
    }
    const auto kept = s.world.store->list_meta("fixes/");
    REQUIRE(kept);
    CHECK(kept->size() == Healing::kMostKept);
    CHECK(kept->back().first == "fixes/0000000025");
    REQUIRE(s.world.store->set_meta("fixes/0000000026", "{\"changes\":7}"));
    const auto broken = s.healing().undo();
    REQUIRE_FALSE(broken);
    CHECK(broken.error().code == ErrorCode::Corrupt);
  }

  TEST_CASE("failed validations are counted from process to process") {
    Setup s;
    storage::Store& store = *s.world.store;
    CHECK(*sync::failed_validations(store) == 0);
    REQUIRE(sync::set_failed_validations(store, 3));
    CHECK(*sync::failed_validations(store) == 3);
    REQUIRE(sync::set_failed_validations(store, 0));
    CHECK_FALSE(*store.meta("failed_validations"));
    REQUIRE(store.set_meta("failed_validations", "many"));
    CHECK(*sync::failed_validations(store) == 0);
    const auto issue = [](workspace::IssueKind kind) {
      return workspace::Issue{kind, workspace::Severity::Error, "", "", ""};
    };
    using workspace::IssueKind;
    CHECK(sync::rebuild_would_help(
        std::vector{issue(IssueKind::LinkCycle), issue(IssueKind::DamagedDocument)}));
    CHECK_FALSE(sync::rebuild_would_help(std::vector{issue(IssueKind::LinkCycle)}));
  }
}
