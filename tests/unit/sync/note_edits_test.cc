#include "engine/sync/note_edits.h"

#include <doctest/doctest.h>

#include "engine/workspace/metadata_doc.h"
#include "tests/support/live_folder.h"

using namespace diaryx;
using sync::NoteEdits;
using test::Peer;
using test::World;

namespace {

constexpr const char* kRoot =
    "---\n# my diary\ntitle: 'Root'   # keep me\ncontents:\n  - \"[A](/a.md)\"\n---\nWelcome.\n";
constexpr const char* kNote =
    "---\ntitle: A\npart_of: \"[Root](/README.md)\"\nmood: \"fine\"\n---\n\nLine one.\nLine two.\n";

struct Setup : test::LiveFolder {
  SeededRandom random{7};

  Setup() {
    dir.write("README.md", kRoot);
    dir.write("a.md", kNote);
    world.reconcile();
  }
  NoteEdits edits() { return {world.live->documents(), random}; }
  const workspace::FileRecord& record(const std::string& id) {
    const workspace::FileRecord* found = world.live->documents().metadata().find(id);
    REQUIRE(found != nullptr);
    return *found;
  }
  std::string read(const std::string& path) { return dir.read(path); }
  void settle() {
    world.run();
    world.pass(3'000);
  }
};

}  // namespace

TEST_SUITE("sync/note_edits") {
  TEST_CASE("a name that is another's where case or normal form is ignored is taken") {
    Setup s;
    const auto make = [&s](const char* path) {
      return s.edits().create({.title = "x", .path = path, .parent = {}, .body = {}});
    };
    REQUIRE(make("\u00c4rger \u2126.md"));  // With the sign for ohms.
    for (const char* same :
         {"\u00e4rger \u03c9.md", "A\u0308RGER \u03a9.md", "\u00c4RGER \u2126.MD"}) {
      const auto again = make(same);
      REQUIRE_FALSE(again);
      CHECK(again.error().code == ErrorCode::AlreadyExists);
    }
    CHECK(make("arger \u03c9.md"));
    REQUIRE(make("\u212aelvin.md"));  // With the sign for kelvins, which folds to plain ASCII.
    CHECK_FALSE(make("kelvin.md"));
    CHECK_FALSE(make("\u212aELVIN.md"));
  }

  TEST_CASE("a new note stands in its parent's contents, in its folder, and in a file") {
    Setup s;
    const auto id =
        s.edits().create({.title = "New Day!", .path = {}, .parent = {}, .body = "x\n"});
    REQUIRE(id);
    s.settle();
    CHECK(s.record(*id).path == "new-day.md");
    CHECK(s.record(*id).part_of == s.world.id_at("README.md"));
    CHECK(s.record(s.world.id_at("README.md")).contents->back() == *id);
    CHECK(s.read("new-day.md") ==
          "---\ntitle: New Day!\npart_of: \"[Root](/README.md)\"\n---\nx\n");
    CHECK(s.read("README.md").find("  - \"[A](/a.md)\"\n  - \"[New Day!](/new-day.md)\"\n") !=
          std::string::npos);
    CHECK(s.read("README.md").find("# my diary\ntitle: 'Root'   # keep me\n") != std::string::npos);
    // The next of that name gets out of the way, whatever the case of its letters.
    const auto second =
        s.edits().create({.title = "new DAY", .path = {}, .parent = {}, .body = {}});
    REQUIRE(second);
    s.settle();
    CHECK(s.record(*second).path == "new-day-2.md");
    const auto first = s.edits().create(
        {.title = "First", .path = "deep/er/one.md", .parent = sync::Parent{*id, 0}, .body = {}});
    REQUIRE(first);
    s.settle();
    CHECK(s.record(*id).contents == std::vector<std::string>{*first});
    CHECK(s.read("deep/er/one.md").starts_with("---\ntitle: First\n"));
  }

  TEST_CASE("the first note of an empty workspace is its root index") {
    test::TempDir dir;
    const auto files = std::move(*filesystem::DiskTree::open(dir.path()));
    World world{*files, 1};
    world.reconcile();
    SeededRandom random{7};
    NoteEdits edits(world.live->documents(), random);
    const auto id = edits.create({.title = "Home", .path = {}, .parent = {}, .body = {}});
    REQUIRE(id);
    world.run();
    world.pass(3'000);
    CHECK(world.live->documents().metadata().root_index() == *id);
  }

  TEST_CASE("what cannot be a note's path or title is refused, and nothing is changed") {
    Setup s;
    const auto code = [&](sync::NewNote note) {
      const auto made = s.edits().create(note);
      REQUIRE_FALSE(made);
      return made.error().code;
    };
    const auto at = [](const char* path) {
      return sync::NewNote{.title = {}, .path = path, .parent = {}, .body = {}};
    };
    CHECK(code(at("../x.md")) == ErrorCode::NotAllowed);
    CHECK(code(at("/x.md")) == ErrorCode::NotAllowed);
    CHECK(code(at(".diaryx/x.md")) == ErrorCode::NotAllowed);
    CHECK(code(at(".git/x.md")) == ErrorCode::NotAllowed);
    CHECK(code(at(".hidden/x.md")) == ErrorCode::InvalidArgument);
    CHECK(code(at("x.txt")) == ErrorCode::InvalidArgument);
    CHECK(code(at("A.MD")) == ErrorCode::AlreadyExists);
    CHECK(code({}) == ErrorCode::InvalidArgument);
    CHECK(code({.title = "two\nlines", .path = {}, .parent = {}, .body = {}}) ==
          ErrorCode::InvalidArgument);
    CHECK(code({.title = std::string(1'001, 'x'), .path = {}, .parent = {}, .body = {}}) ==
          ErrorCode::InvalidArgument);
    CHECK(code({.title = "x", .path = {}, .parent = sync::Parent{"nobody", {}}, .body = {}}) ==
          ErrorCode::NotFound);
    CHECK(code({.title = "x", .path = {}, .parent = {}, .body = "\xff"}) == ErrorCode::Malformed);
    CHECK_FALSE(s.world.live->documents().has_changes());
    CHECK(s.edits().remove("nobody").error().code == ErrorCode::NotFound);
    CHECK(s.edits().change("nobody", {.title = "x"}).error().code == ErrorCode::NotFound);
    CHECK(s.edits().restore("nobody").error().code == ErrorCode::NotFound);
  }

  TEST_CASE("a note that moves takes its links along; its new name is its header's alone") {
    Setup s;
    const std::string id = s.world.id_at("a.md");
    REQUIRE(s.edits().change(id, {.title = "B", .path = "sub/b.md"}));
    s.settle();
    CHECK_FALSE(std::filesystem::exists(s.dir.path() / "a.md"));
    CHECK(s.read("sub/b.md") ==
          "---\ntitle: B\npart_of: \"[Root](/README.md)\"\nmood: \"fine\"\n---\n\nLine one.\nLine "
          "two.\n");
    CHECK(s.read("README.md").find("(/sub/b.md)") != std::string::npos);
    REQUIRE(s.edits().change(id, {.path = "sub/B.md"}));  // Another case is no other note.
    CHECK(s.record(id).path == "sub/B.md");
    REQUIRE(s.edits().change(id, {.title = ""}));
    CHECK_FALSE(s.record(id).title);
  }

  TEST_CASE(
      "another parent: out of the old one's contents, into the new one's, never below itself") {
    Setup s;
    const std::string root = s.world.id_at("README.md");
    const std::string a = s.world.id_at("a.md");
    const auto b = s.edits().create({.title = "B", .path = {}, .parent = {}, .body = {}});
    REQUIRE(b);
    s.settle();
    REQUIRE(s.edits().change(a, {.parent = sync::Parent{*b, {}}}));
    s.settle();
    CHECK(s.record(root).contents == std::vector<std::string>{*b});
    CHECK(s.record(*b).contents == std::vector<std::string>{a});
    CHECK(s.record(a).part_of == *b);
    CHECK(s.edits().change(*b, {.parent = sync::Parent{a, {}}}).error().code ==
          ErrorCode::Unsupported);
    CHECK(s.edits().change(a, {.parent = sync::Parent{a, {}}}).error().code ==
          ErrorCode::Unsupported);
    REQUIRE(s.edits().change(a, {.parent = sync::Parent{root, 0}}));
    s.settle();
    CHECK(s.record(root).contents == std::vector<std::string>{a, *b});
    REQUIRE(s.edits().change(a, {.parent = sync::Parent{}}));
    s.settle();
    CHECK(s.record(root).contents == std::vector<std::string>{*b});
    CHECK_FALSE(s.record(a).part_of);
  }

  TEST_CASE("a deleted note is in nobody's contents, and comes back where it was listed") {
    Setup s;
    const std::string root = s.world.id_at("README.md");
    const std::string a = s.world.id_at("a.md");
    REQUIRE(s.edits().remove(a));
    s.settle();
    CHECK_FALSE(std::filesystem::exists(s.dir.path() / "a.md"));
    CHECK(s.record(root).contents->empty());
    CHECK(s.edits().remove(a).error().code == ErrorCode::NotFound);
    CHECK(s.edits().bytes(a).error().code == ErrorCode::NotFound);
    REQUIRE(s.edits().restore(a));
    REQUIRE(s.edits().restore(a));
    s.settle();
    CHECK(s.read("a.md") == kNote);
    CHECK(s.record(root).contents == std::vector<std::string>{a});
  }

  TEST_CASE("octets that are written are read back octet for octet") {
    Setup s;
    const std::string a = s.world.id_at("a.md");
    CHECK(*s.edits().bytes(a) == kNote);
    const char* const texts[] = {
        "",
        "no header\n",
        "---\ntitle: A # comment\nnew: [1, 2]\n---\nLine one.\n",
        "\xef\xbb\xbf---\r\ntitle: CRLF\r\n---\r\none\r\ntwo\r\n",
        "---\nnot: [closed\n---\ntext\n",
        "---\ntitle: A\ncontents:\n  - \"[gone](/gone.md)\"\nattachments: [x.png]\nupdated: "
        "2020-01-01T00:00:00Z\n---\n",
        "---\n---\n---\ntitle: body\n---\n",
        kNote,
    };
    for (const char* text : texts) {
      CAPTURE(text);
      REQUIRE(s.edits().write(a, text));
      s.settle();
      CHECK(*s.edits().bytes(a) == text);
      CHECK(s.read("a.md") == text);
    }
    CHECK(s.edits().write(a, "\xff").error().code == ErrorCode::Malformed);
    CHECK(s.edits().write(a, std::string(17U << 20U, 'x')).error().code ==
          ErrorCode::LimitExceeded);
    CHECK(*s.edits().bytes(a) == kNote);
    int number = 0;
    for (const char* text : texts) {
      const std::string path = "made/" + std::to_string(++number) + ".md";
      const auto made = s.edits().create_from(path, text);
      REQUIRE(made);
      s.settle();
      CHECK(*s.edits().bytes(*made) == text);
      CHECK(s.read(path) == text);
    }
  }

  TEST_CASE("an open editor keeps what it types while the note is written") {
    Setup s;
    Peer& peer = s.world.connect();
    const std::string wire = s.world.wire("a.md");
    peer.open(wire);
    s.world.run();
    REQUIRE(peer.body(wire) == "\nLine one.\nLine two.\n");
    std::size_t inserted = 0;
    peer.doc(wire).observe(
        [&](const crdt::TransactionSummary& summary) { inserted += summary.update.size(); });
    std::string text(kNote);
    text.replace(text.find("one"), 3, "ONE");
    REQUIRE(s.edits().write(s.world.id_at("a.md"), text));
    peer.edit(wire, [](crdt::Doc& doc) { doc.text("body").insert(0, "typed "); });
    s.settle();
    CHECK(peer.body(wire) == "typed \nLine ONE.\nLine two.\n");
    CHECK(inserted < 100);  // The smallest edits, not the whole text again.
    CHECK(s.read("a.md").ends_with("---\ntyped \nLine ONE.\nLine two.\n"));
  }

  TEST_CASE("the agreed hash is there when disk and document agree, and never a stale one") {
    Setup s;
    const std::string a = s.world.id_at("a.md");
    CHECK(s.world.live->disk().agreed_hash(a) == sha256(as_bytes(kNote)));
    REQUIRE(s.edits().write(a, "other\n"));
    CHECK_FALSE(s.world.live->disk().agreed_hash(a));
    s.world.run();
    CHECK_FALSE(s.world.live->disk().agreed_hash(a));
    s.world.pass(3'000);
    CHECK(s.world.live->disk().agreed_hash(a) == sha256(as_bytes("other\n")));
    REQUIRE(s.edits().change(a, {.path = "b.md"}));
    CHECK_FALSE(s.world.live->disk().agreed_hash(a));
  }
}
