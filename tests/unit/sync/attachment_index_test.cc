#include "engine/sync/attachment_index.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "engine/sync/examination.h"
#include "tests/support/live_folder.h"

using namespace diaryx;
namespace fs = std::filesystem;

namespace {

constexpr const char* kNote = "---\nattachments:\n  - /pictures/a.png\n  - big.bin\n---\nLook.\n";

struct Setup : test::LiveFolder {
  Setup() : test::LiveFolder(StoreIn::File) {
    dir.write("note.md", kNote);
    dir.write("pictures/a.png", "a picture");
    dir.write("pictures/other.png", "nobody's");
    for (const char* file : {"pictures/a.png", "pictures/other.png"}) age(file);
  }
  // Long before the world's clock.
  void age(const char* file) {
    const struct timespec times[2] = {{1'000, 0}, {1'000, 0}};
    REQUIRE(::utimensat(AT_FDCWD, (dir.path() / file).c_str(), times, 0) == 0);
  }
  // As the watcher tells it.
  void told(std::initializer_list<const char*> paths) {
    std::set<WorkspacePath> changed;
    for (const char* path : paths) changed.insert(*WorkspacePath::parse(path));
    world.live->disk().paths_changed(changed);
    world.run();
  }
  const sync::AttachmentIndex& index() { return world.live->disk().attachments(); }
  std::optional<std::string> hash_of(const std::string& path) {
    const auto stat = files->stat(*WorkspacePath::parse(path));
    REQUIRE(stat);
    REQUIRE(*stat);
    const auto hash = index().hash_of(path, **stat);
    return hash ? std::optional(to_hex(*hash)) : std::nullopt;
  }
  std::string key(const std::string& path) { return "attachment/" + path; }
  std::optional<std::string> stored(const std::string& path) {
    return *world.live->documents().store().meta(key(path));
  }
};

std::string digest(std::string_view text) {
  return to_hex(sha256(as_bytes(text)));
}

}  // namespace

TEST_SUITE("sync/attachment_index") {
  TEST_CASE("what notes have attached is known, and nothing else") {
    Setup s;
    s.world.reconcile();
    CHECK(s.hash_of("pictures/a.png") == digest("a picture"));
    CHECK_FALSE(s.hash_of("pictures/other.png"));
    CHECK(s.index().rows().size() == 1);
    CHECK(s.stored("pictures/a.png").value().ends_with(digest("a picture") + " image/png"));
    CHECK(s.index().rows().at("pictures/a.png").content_type == "image/png");
  }

  TEST_CASE("entries from before there were types are entries") {
    Setup s;
    s.world.reconcile();
    std::string row = *s.stored("pictures/a.png");
    row.erase(row.rfind(' '));
    REQUIRE(s.world.live->documents().store().set_meta(s.key("pictures/a.png"), row));
    REQUIRE(s.world.live->disk().load());
    CHECK(s.hash_of("pictures/a.png") == digest("a picture"));
    CHECK(s.index().rows().at("pictures/a.png").content_type == "image/png");
  }

  TEST_CASE(
      "what a note attaches is read at once, and forgotten when the last note lets go of it") {
    Setup s;
    s.world.reconcile();
    const auto attach = [&s](const char* note, const char* links) {
      s.dir.write(note, std::string("---\nattachments: ") + links + "\n---\nLook.\n");
      s.told({note});
    };
    attach("second.md", "[/pictures/other.png, /pictures/a.png]");
    CHECK(s.hash_of("pictures/other.png") == digest("nobody's"));
    attach("note.md", "[/pictures/other.png]");
    CHECK(s.hash_of("pictures/a.png") == digest("a picture"));
    attach("second.md", "[]");
    CHECK(s.index().rows().size() == 1);
    CHECK_FALSE(s.stored("pictures/a.png"));
    CHECK(s.hash_of("pictures/other.png") == digest("nobody's"));
  }

  TEST_CASE("a record that a peer changes names a file: it is read at once") {
    Setup s;
    s.world.reconcile();
    const std::string id = s.world.id_at("note.md");
    workspace::FileRecord record = *s.world.live->documents().metadata().find(id);
    record.attachments.push_back({.path = "/pictures/other.png"});
    s.world.live->documents().metadata().put(id, record, sync::kOriginServer);
    s.world.run();
    CHECK(s.hash_of("pictures/other.png") == digest("nobody's"));
  }

  TEST_CASE("a file that comes after the note that names it, goes and comes back") {
    Setup s;
    s.world.reconcile();
    CHECK(s.index().totals().files == 1);
    for (const char* text : {"here now", "and again"}) {
      s.dir.write("big.bin", text);
      s.age("big.bin");
      s.told({"big.bin"});
      CHECK(s.hash_of("big.bin") == digest(text));
      CHECK(s.index().totals().files == 2);
      fs::remove(s.dir.path() / "big.bin");
      s.told({"big.bin"});
      CHECK(s.index().totals().files == 1);
      CHECK_FALSE(s.stored("big.bin"));
    }
  }

  TEST_CASE("how many there are, how many octets, and how many are not known yet") {
    Setup s;
    s.dir.write("big.bin", "here now");
    s.age("big.bin");
    const auto same = [&s](std::uint64_t files, std::uint64_t bytes, std::uint64_t not_indexed) {
      const auto told = s.index().totals();
      const auto seen = s.index().look(*s.files);
      CHECK(told.files == files);
      CHECK(told.bytes == bytes);
      CHECK(told.not_indexed == not_indexed);
      CHECK(seen.files == files);
      CHECK(seen.bytes == bytes);
      CHECK(seen.not_indexed == not_indexed);
    };
    s.world.reconcile();
    same(2, 17, 0);
    s.dir.write("second.md", "---\nattachments: [/pictures/a.png]\n---\n");
    s.told({"second.md"});
    same(2, 17, 0);
    const std::int64_t now_ns = s.world.live->documents().wall_ms() * 1'000'000;
    const struct timespec now = {now_ns / 1'000'000'000, now_ns % 1'000'000'000};
    const struct timespec times[2] = {now, now};
    REQUIRE(::utimensat(AT_FDCWD, (s.dir.path() / "big.bin").c_str(), times, 0) == 0);
    s.told({"big.bin"});
    same(2, 17, 1);
    s.world.pass(100);
    same(2, 17, 0);
  }

  TEST_CASE("a file is read again only if its stat changed, and forgotten when no note has it") {
    Setup s;
    s.world.reconcile();
    // As if it had been read otherwise: who reads it anew will notice.
    std::string row = *s.stored("pictures/a.png");
    row.replace(row.find(digest("a picture")), 64, 64, '0');
    REQUIRE(s.world.live->documents().store().set_meta(s.key("pictures/a.png"), row));
    REQUIRE(s.world.live->disk().load());
    s.world.reconcile();
    CHECK(s.hash_of("pictures/a.png") == std::string(64, '0'));

    s.dir.write("pictures/a.png", "another !");  // Of the same size.
    CHECK_FALSE(s.hash_of("pictures/a.png"));
    s.world.reconcile();
    CHECK(s.stored("pictures/a.png").value().ends_with(digest("another !") + " image/png"));

    s.dir.write("note.md", "---\nattachments: []\n---\nLook.\n");
    s.world.reconcile();
    s.world.reconcile();
    CHECK(s.index().rows().size() == 0);
    CHECK_FALSE(s.stored("pictures/a.png"));
  }

  TEST_CASE("a large file is read in parts, and what is no entry is none") {
    Setup s;
    s.dir.write("big.bin", "x");
    fs::resize_file(s.dir.path() / "big.bin", 70U << 20U);
    s.age("big.bin");
    const auto path = WorkspacePath::parse("big.bin");
    REQUIRE(path);
    sync::HashTask task{*path};
    std::size_t parts = 1;
    for (;; ++parts) {
      const auto result = sync::run_disk_task(*s.files, task);
      REQUIRE(result.status);
      if (result.stat) break;
    }
    CHECK(parts == 3);
    s.world.reconcile();
    std::string whole(70U << 20U, '\0');
    whole[0] = 'x';
    CHECK(s.hash_of("big.bin") == digest(whole));

    for (const char* bad : {"", "1 2 3 zz", "1 2", "x 2 3 00", "1 2 3 00 image/png"}) {
      REQUIRE(s.world.live->documents().store().set_meta(s.key("big.bin"), bad));
      REQUIRE(s.world.live->disk().load());
      CHECK_FALSE(s.hash_of("big.bin"));
    }
  }

  TEST_CASE("a file that was read within the tick of a change is read once more by and by") {
    Setup s;
    s.world.reconcile();
    const std::int64_t now_ns = s.world.live->documents().wall_ms() * 1'000'000;
    s.dir.write("pictures/a.png", "just now!");
    const struct timespec now = {now_ns / 1'000'000'000, now_ns % 1'000'000'000};
    const struct timespec times[2] = {now, now};
    REQUIRE(::utimensat(AT_FDCWD, (s.dir.path() / "pictures/a.png").c_str(), times, 0) == 0);
    s.world.live->disk().paths_changed({*WorkspacePath::parse("pictures/a.png")});
    s.world.run();
    CHECK_FALSE(s.hash_of("pictures/a.png"));
    CHECK(s.world.live->disk().next_due_ms());
    s.world.pass(100);
    CHECK(s.hash_of("pictures/a.png") == digest("just now!"));
  }

  TEST_CASE("a file that changes while it is read is a conflict") {
    Setup s;
    s.dir.write("big.bin", "x");
    fs::resize_file(s.dir.path() / "big.bin", 40U << 20U);
    const sync::HashTask task{*WorkspacePath::parse("big.bin")};
    REQUIRE(sync::run_disk_task(*s.files, task).status);
    s.dir.write("big.bin", "short");
    CHECK(sync::run_disk_task(*s.files, task).status.error().code == ErrorCode::Conflict);
  }

  TEST_CASE("validation takes the hash from the index, and reads what is not in it") {
    Setup s;
    s.world.reconcile();
    const std::string id = s.world.id_at("note.md");
    workspace::MetadataDoc& metadata = s.world.live->documents().metadata();
    workspace::FileRecord record = *metadata.find(id);
    record.attachments.at(0).hash = digest("a picture");
    metadata.put(id, record, sync::kOriginServer);
    s.world.run();
    const auto looked = [&] {
      const auto input = sync::examine(s.world.live->documents(), s.world.live->disk(), *s.files);
      REQUIRE(input);
      return input->attachments.at("pictures/a.png").hash;
    };
    CHECK(looked() == digest("a picture"));
    std::string row = *s.stored("pictures/a.png");
    row.replace(row.find(digest("a picture")), 64, 64, '0');
    REQUIRE(s.world.live->documents().store().set_meta(s.key("pictures/a.png"), row));
    REQUIRE(s.world.live->disk().load());
    CHECK(looked() == std::string(64, '0'));
    s.dir.write("pictures/a.png", "changed");
    CHECK(looked() == digest("changed"));
  }
}
