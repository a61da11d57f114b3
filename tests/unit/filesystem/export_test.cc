#include "engine/filesystem/export.h"

#include <set>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zip.h>

#include "engine/base/random.h"
#include "tests/support/temp_dir.h"

using namespace diaryx;
using namespace diaryx::filesystem;

namespace {

namespace fs = std::filesystem;

WorkspacePath path(std::string_view text) {
  auto parsed = WorkspacePath::parse(text);
  DX_CHECK(parsed.has_value());
  return *parsed;
}

std::unique_ptr<DiskTree> open_tree(const fs::path& root) {
  auto tree = DiskTree::open(root);
  DX_CHECK(tree.has_value());
  return std::move(*tree);
}

std::set<std::string> everything(const fs::path& root) {
  std::set<std::string> all;
  for (const auto& item : fs::recursive_directory_iterator(root))
    all.insert(item.path().lexically_relative(root).string());
  return all;
}

using Names = std::set<std::string>;

mode_t mode_of(const fs::path& file) {
  struct stat found {};
  REQUIRE(::stat(file.c_str(), &found) == 0);
  return found.st_mode & 07777;
}

struct ZipEntry {
  std::string name, bytes;
  std::uint32_t mode = 0;
  std::uint16_t method = 0;
  bool operator==(const ZipEntry&) const = default;
};

std::vector<ZipEntry> read_zip(const fs::path& file) {
  int code = 0;
  zip_t* archive = zip_open(file.c_str(), ZIP_RDONLY | ZIP_CHECKCONS, &code);
  REQUIRE(archive != nullptr);
  std::vector<ZipEntry> entries;
  for (zip_int64_t i = 0; i < zip_get_num_entries(archive, 0); ++i) {
    const auto at = static_cast<zip_uint64_t>(i);
    zip_stat_t stat;
    REQUIRE(zip_stat_index(archive, at, ZIP_FL_ENC_STRICT, &stat) == 0);
    ZipEntry& entry = entries.emplace_back();
    entry.name = stat.name;
    entry.method = stat.comp_method;
    entry.bytes.resize(stat.size);
    zip_uint8_t system = 0;
    zip_uint32_t attributes = 0;
    REQUIRE(zip_file_get_external_attributes(archive, at, 0, &system, &attributes) == 0);
    CHECK(system == ZIP_OPSYS_UNIX);
    entry.mode = attributes >> 16U;
    zip_file_t* in = zip_fopen_index(archive, at, 0);
    REQUIRE(in != nullptr);
    CHECK(zip_fread(in, entry.bytes.data(), stat.size) == static_cast<zip_int64_t>(stat.size));
    REQUIRE(zip_fclose(in) == 0);  // Checks the CRC.
  }
  zip_discard(archive);
  return entries;
}

// A workspace with a note that is rendered differently and an attachment.
struct Workspace {
  test::TempDir dir;
  FileSet files;
  std::vector<WorkspacePath> others;
  std::unique_ptr<DiskTree> tree;
  std::string attachment;

  Workspace() {
    SeededRandom random(5);
    while (attachment.size() < 300'000) attachment.push_back(static_cast<char>(random.below(256)));
    dir.write("a.md", "on disk");
    dir.write("x/b.png", attachment);
    dir.write("x/empty", "");
    files[path("a.md")] = "rendered";
    files[path("x/Grüße.md")] = "new";
    others = {path("x/b.png"), path("a.md"), path("x/empty")};
    tree = open_tree(dir.path());
  }
  ExportSource source() const { return {files, tree.get(), others}; }
};

}  // namespace

TEST_SUITE("filesystem/export") {
  TEST_CASE(
      "a workspace is written into a new folder: rendered files, then the others, modes kept") {
    const Workspace w;
    const test::TempDir out;
    REQUIRE(::chmod((w.dir.path() / "a.md").c_str(), 0600) == 0);
    REQUIRE(::chmod((w.dir.path() / "x/b.png").c_str(), 0750) == 0);
    const auto report = export_to_folder(out.path() / "new" / "export", w.source(), {});
    REQUIRE_MESSAGE(report, (report ? "" : report.error().message));
    CHECK(report->files == 4);
    CHECK(report->bytes == 8 + 3 + w.attachment.size());
    CHECK(report->skipped.empty());
    const fs::path made = out.path() / "new" / "export";
    CHECK(everything(made) == Names{"a.md", "x", "x/Grüße.md", "x/b.png", "x/empty"});
    CHECK(out.read("new/export/a.md") == "rendered");
    CHECK(out.read("new/export/x/b.png") == w.attachment);
    CHECK(mode_of(made / "a.md") == 0600);
    CHECK(mode_of(made / "x/b.png") == 0750);
  }

  TEST_CASE(
      "a folder that is not empty is left alone unless forced, and then only what has the same "
      "names changes") {
    const Workspace w;
    const test::TempDir out;
    out.write(".hidden", "theirs");
    out.write("a.md", "theirs");
    const auto refused = export_to_folder(out.path(), w.source(), {});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == ErrorCode::AlreadyExists);
    CHECK(everything(out.path()) == Names{".hidden", "a.md"});
    REQUIRE(export_to_folder(out.path(), w.source(), {.force = true}));
    CHECK(out.read("a.md") == "rendered");
    CHECK(out.read(".hidden") == "theirs");
    CHECK(out.exists("x/b.png"));
  }

  TEST_CASE("links in the output folder are not followed") {
    const Workspace w;
    const test::TempDir out;
    const test::TempDir elsewhere;
    elsewhere.write("target", "theirs");
    fs::create_symlink(elsewhere.path() / "target", out.path() / "a.md");
    REQUIRE(export_to_folder(out.path(), w.source(), {.force = true}));
    CHECK(elsewhere.read("target") == "theirs");
    CHECK(out.read("a.md") == "rendered");
    fs::remove_all(out.path() / "x");
    fs::create_directory_symlink(elsewhere.path(), out.path() / "x");
    CHECK(export_to_folder(out.path(), w.source(), {.force = true}).error().code ==
          ErrorCode::NotAllowed);
    CHECK(everything(elsewhere.path()) == Names{"target"});
  }

  TEST_CASE(
      "the workspace itself, what contains it and what would become a part of it are refused") {
    const Workspace w;
    const Names before = everything(w.dir.path());
    for (const fs::path& target :
         {w.dir.path(), w.dir.path() / "out", w.dir.path() / "x", w.dir.path().parent_path()}) {
      const auto report = export_to_folder(target, w.source(), {.force = true});
      REQUIRE_FALSE(report);
      CHECK(report.error().code == ErrorCode::NotAllowed);
    }
    CHECK(everything(w.dir.path()) == before);
    CHECK(export_to_folder(w.dir.path() / ".diaryx" / "out", w.source(), {}));
  }

  TEST_CASE("an other that vanished is told, and the rest is there") {
    Workspace w;
    w.others.push_back(path("gone.png"));
    const test::TempDir out;
    const auto report = export_to_folder(out.path(), w.source(), {});
    REQUIRE(report);
    CHECK(report->files == 4);
    REQUIRE(report->skipped.size() == 1);
    CHECK(report->skipped[0].path == "gone.png");
  }

  TEST_CASE("a failure in the middle leaves nothing, and says where") {
    const test::TempDir out;
    const fs::path mounted = out.path() / "disk";
    fs::create_directory(mounted);
    if (::mount("none", mounted.c_str(), "tmpfs", 0, "size=256k") != 0) {
      MESSAGE("cannot mount: skipped");
      return;
    }
    const Workspace w;
    for (const fs::path& target : {mounted, mounted / "new"}) {
      const auto report = export_to_folder(target, w.source(), {});
      REQUIRE_FALSE(report);
      CHECK(report.error().code == ErrorCode::NoSpace);
      CHECK(report.error().message.find("x/b.png") != std::string::npos);
      CHECK(everything(mounted).empty());
    }
    const auto zipped = export_to_zip(mounted / "a.zip", w.source());
    REQUIRE_FALSE(zipped);
    CHECK(zipped.error().code == ErrorCode::NoSpace);
    CHECK(everything(mounted).empty());
    (void)::umount2(mounted.c_str(), MNT_DETACH);
  }
}

TEST_SUITE("filesystem/zip") {
  TEST_CASE("an archive has every file, sorted, deflated, with mode 0644") {
    const Workspace w;
    const test::TempDir out;
    const auto report = export_to_zip(out.path() / "a.zip", w.source());
    REQUIRE_MESSAGE(report, (report ? "" : report.error().message));
    CHECK(report->files == 4);
    CHECK(report->bytes == 8 + 3 + w.attachment.size());
    const auto entries = read_zip(out.path() / "a.zip");
    REQUIRE(entries.size() == 4);
    CHECK(entries[0] == ZipEntry{"a.md", "rendered", 0100644, ZIP_CM_DEFLATE});
    CHECK(entries[1].name == "x/Grüße.md");
    CHECK(entries[2] == ZipEntry{"x/b.png", w.attachment, 0100644, ZIP_CM_DEFLATE});
    CHECK(entries[3].name == "x/empty");
    CHECK(everything(out.path()) == Names{"a.zip"});
  }

  TEST_CASE("equal files make an equal archive, whenever and wherever") {
    const test::TempDir out;
    {
      const Workspace w;
      REQUIRE(export_to_zip(out.path() / "a.zip", w.source()));
    }
    REQUIRE(::setenv("TZ", "Asia/Tokyo", 1) == 0);
    ::tzset();
    const Workspace w;
    REQUIRE(::chmod((w.dir.path() / "x/b.png").c_str(), 0600) == 0);
    REQUIRE(export_to_zip(out.path() / "b.zip", w.source()));
    CHECK(::unsetenv("TZ") == 0);
    ::tzset();
    CHECK(out.read("a.zip") == out.read("b.zip"));
  }

  TEST_CASE(
      "an archive that is there is replaced; a folder, a link or a missing folder is an error") {
    const Workspace w;
    const test::TempDir out;
    out.write("a.zip", "older");
    REQUIRE(export_to_zip(out.path() / "a.zip", w.source()));
    CHECK(read_zip(out.path() / "a.zip").size() == 4);
    fs::create_directory(out.path() / "folder.zip");
    CHECK(export_to_zip(out.path() / "folder.zip", w.source()).error().code ==
          ErrorCode::NotAllowed);
    fs::create_symlink(out.path() / "a.zip", out.path() / "link.zip");
    CHECK(export_to_zip(out.path() / "link.zip", w.source()).error().code == ErrorCode::NotAllowed);
    CHECK(export_to_zip(out.path() / "none" / "a.zip", w.source()).error().code ==
          ErrorCode::NotFound);
    CHECK(everything(out.path()) == Names{"a.zip", "folder.zip", "link.zip"});
  }

  TEST_CASE("an archive of nothing is an archive") {
    const test::TempDir out;
    const FileSet none;
    REQUIRE(export_to_zip(out.path() / "a.zip", ExportSource{none}));
    CHECK(read_zip(out.path() / "a.zip").empty());
    CHECK(fs::file_size(out.path() / "a.zip") == 22);
  }

  TEST_CASE("an archive in the workspace does not contain its predecessor") {
    Workspace w;
    w.dir.write("backup.zip", "older");
    w.others.push_back(path("backup.zip"));
    REQUIRE(export_to_zip(w.dir.path() / "backup.zip", w.source()));
    CHECK(read_zip(w.dir.path() / "backup.zip").size() == 4);
  }

  TEST_CASE("more files than descriptors are no difficulty") {
    const test::TempDir dir;
    std::vector<WorkspacePath> others;
    for (int i = 0; i < 1500; ++i) {
      others.push_back(path("f" + std::to_string(i)));
      dir.write(others.back().str(), std::to_string(i));
    }
    const auto tree = open_tree(dir.path());
    const test::TempDir out;
    const FileSet none;
    REQUIRE(export_to_zip(out.path() / "a.zip", {none, tree.get(), others}));
    CHECK(read_zip(out.path() / "a.zip").size() == 1500);
  }

  TEST_CASE("an other that cannot be read is told, and the rest is in the archive") {
    Workspace w;
    w.others.push_back(path("gone.png"));
    const test::TempDir out;
    const auto report = export_to_zip(out.path() / "a.zip", w.source());
    REQUIRE(report);
    CHECK(report->files == 4);
    CHECK(report->skipped.size() == 1);
    CHECK(read_zip(out.path() / "a.zip").size() == 4);
  }
}
