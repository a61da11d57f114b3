#include "engine/storage/diaryx_database.h"

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <map>
#include <optional>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/posix.h"
#include "engine/base/utf.h"
#include "engine/storage/schema.h"
#include "engine/storage/sqlite.h"
#include "engine/storage/wal_check.h"

namespace diaryx::storage {
namespace {

namespace fs = std::filesystem;

constexpr int kBusyMs = 1'000;
constexpr std::int64_t kLastMs = (std::int64_t{1} << 53) - 1;
constexpr const char* kBeside[] = {"", "-wal", "-journal"};
// How a journal ends that belongs to a transaction over several databases.
constexpr std::string_view kSuperJournalMagic = "\xd9\xd5\x05\xf9\x20\xa1\x63\xd7";
constexpr const char* kWhatItShouldBe =
    "name the database that Diaryx 1.4 wrote: <workspace>.db, or .diaryx/crdt.db";

// What tells that somebody wrote to one of the files.
struct Stamp {
  bool there = false;
  off_t size = 0;
  std::int64_t mtime_ns = 0;
  ino_t inode = 0;
  bool operator==(const Stamp&) const = default;
};

Stamp stamp_of(const std::string& file) {
  struct stat now {};
  if (::stat(file.c_str(), &now) != 0) return {};
  return {.there = true,
          .size = now.st_size,
          .mtime_ns = std::int64_t{now.st_mtim.tv_sec} * 1'000'000'000 + now.st_mtim.tv_nsec,
          .inode = now.st_ino};
}

std::vector<Stamp> stamps_of(const fs::path& file) {
  std::vector<Stamp> stamps;
  for (const char* suffix : kBeside) stamps.push_back(stamp_of(file.string() + suffix));
  return stamps;
}

// A folder of our own, gone with what is in it.
class ScratchFolder {
 public:
  ScratchFolder() = default;
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  ~ScratchFolder() {
    std::error_code error;  // What is left over harms nobody.
    if (!path_.empty()) fs::remove_all(path_, error);
  }
  Status make() {
    std::error_code error;
    const fs::path parent = fs::temp_directory_path(error);
    if (error) return errno_error(error.value(), "the folder for temporary files");
    std::string name = (parent / "diaryx-import-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) return errno_error(errno, name + ": cannot be made");
    // SQLite refuses links in a path.
    path_ = fs::canonical(name, error);
    if (error) return errno_error(error.value(), name);
    return {};
  }
  const fs::path& path() const noexcept { return path_; }

 private:
  fs::path path_;
};

// Playing such a journal back, SQLite removes the file that it names, if no database needs that any
// more: a name that somebody else has written is not to be trusted with that.
Status check_journal(const fs::path& file) {
  std::ifstream in(file.string() + "-journal", std::ios::binary | std::ios::ate);
  if (!in) return {};
  const std::streamoff size = in.tellg();
  const auto length = static_cast<std::streamoff>(kSuperJournalMagic.size());
  if (size < length) return {};
  std::string end(kSuperJournalMagic.size(), '\0');
  in.seekg(size - length);
  in.read(end.data(), length);
  if (!in) return errno_error(EIO, file.string() + "-journal");
  if (end != kSuperJournalMagic) return {};
  return Error{ErrorCode::Unsupported,
               file.string() + "-journal: of a transaction over several databases",
               "open the database once with the program that wrote it, and close it"};
}

// The message names the file that the person named, and not our copy.
Error told(Error error, const std::string& opened, const fs::path& file) {
  const std::size_t at = opened.empty() ? std::string::npos : error.message.find(opened);
  if (at != std::string::npos) error.message.replace(at, opened.size(), file.string());
  if (error.code == ErrorCode::Corrupt) {
    error.code = ErrorCode::Malformed;
    error.hint = kWhatItShouldBe;
  }
  return error;
}

Status check_schema(Database& db) {
  DX_TRY(const std::int64_t application, db.number("PRAGMA application_id"));
  if (application == kApplicationId) {
    return Error{ErrorCode::InvalidArgument, db.name() + ": a store of diaryx-sync",
                 "its folder is a workspace already; copy the whole folder instead"};
  }
  const auto columns = [&db](const char* sql, std::int64_t wanted, const char* what) -> Status {
    DX_TRY(const std::int64_t found, db.number(sql));
    if (found == wanted) return {};
    return Error{ErrorCode::Malformed,
                 fmt::format("{}: no database of Diaryx: {}", db.name(), what), kWhatItShouldBe};
  };
  DX_TRY_OK(
      columns("SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name IN "
              "('documents', 'updates') AND sql LIKE 'CREATE TABLE%'",
              2, "it has no tables \"documents\" and \"updates\""));
  DX_TRY(const std::int64_t version, db.number("PRAGMA user_version"));
  if (version != 0) {
    return Error{ErrorCode::Unsupported,
                 fmt::format("{}: schema version {}; only that of Diaryx 1.4 is known, which has "
                             "none",
                             db.name(), version),
                 "export the notes from the program that wrote it, as files"};
  }
  DX_TRY_OK(
      columns("SELECT count(*) FROM pragma_table_xinfo('documents') WHERE hidden = 0 AND name "
              "IN ('name', 'state', 'updated_at')",
              3, "the table \"documents\" lacks one of name, state, updated_at"));
  return columns(
      "SELECT count(*) FROM pragma_table_xinfo('updates') WHERE hidden = 0 AND name IN "
      "('id', 'doc_name', 'data', 'origin', 'timestamp')",
      5, "the table \"updates\" lacks one of id, doc_name, data, origin, timestamp");
}

UpdateOrigin origin_of(std::string_view text) {
  if (text == "remote") return UpdateOrigin::Remote;
  if (text == "sync") return UpdateOrigin::Sync;
  return UpdateOrigin::Local;
}

class Reading {
 public:
  explicit Reading(Database& db) : db_(db) {}

  Result<DiaryxDatabase> run() {
    DX_TRY_OK(check_schema(db_));
    DX_TRY_OK(read_states());
    DX_TRY_OK(read_updates());
    for (auto& [name, document] : documents_) found_.documents.push_back(std::move(document));
    return std::move(found_);
  }

 private:
  // Null if the row is none of a document.
  DiaryxDocument* row_of(Query& row, const std::string& which, bool name_is_text,
                         bool data_is_blob) {
    std::string name(row.text(0));
    const bool good =
        name_is_text && !name.empty() && is_utf8(name) && name.find('\0') == std::string::npos;
    if (!good) {
      found_.left_out.push_back({which, "its document's name is no text"});
      return nullptr;
    }
    if (!data_is_blob) {
      found_.left_out.push_back({fmt::format("{}: {}", name, which), "it holds no octets"});
      return nullptr;
    }
    DiaryxDocument& document = documents_[name];
    document.name = std::move(name);
    return &document;
  }

  Status read_states() {
    Query q = db_.query(
        "SELECT name, state, updated_at, typeof(name) = 'text', typeof(state) = 'blob' FROM "
        "documents");
    for (;;) {
      DX_TRY(const bool more, q.step());
      if (!more) return {};
      DiaryxDocument* document = row_of(q, "a snapshot", q.integer(3) != 0, q.integer(4) != 0);
      if (document == nullptr) continue;
      document->states.push_back(to_buffer(q.blob(1)));
      document->state_ms =
          std::max(document->state_ms, std::clamp<std::int64_t>(q.integer(2), 0, kLastMs));
    }
  }

  Status read_updates() {
    Query q = db_.query(
        "SELECT doc_name, data, id, origin, timestamp, typeof(doc_name) = 'text', typeof(data) = "
        "'blob' FROM updates ORDER BY id");
    for (;;) {
      DX_TRY(const bool more, q.step());
      if (!more) return {};
      const std::int64_t id = q.integer(2);
      DiaryxDocument* document =
          row_of(q, fmt::format("update {}", id), q.integer(5) != 0, q.integer(6) != 0);
      if (document == nullptr) continue;
      document->updates.push_back({.id = id,
                                   .data = to_buffer(q.blob(1)),
                                   .origin = origin_of(q.text(3)),
                                   .time_ms = std::clamp<std::int64_t>(q.integer(4), 0, kLastMs)});
    }
  }

  Database& db_;
  std::map<std::string, DiaryxDocument> documents_;
  DiaryxDatabase found_;
};

Result<fs::path> regular_file(const fs::path& named) {
  std::error_code error;
  fs::path file = fs::canonical(named, error);
  if (error) return errno_error(error.value(), named.string());
  if (!fs::is_regular_file(file, error))
    return Error{ErrorCode::NotAllowed, named.string() + ": not a regular file", kWhatItShouldBe};
  // Else SQLite would only say that it cannot be opened.
  const Fd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return errno_error(errno, named.string());
  return file;
}

}  // namespace

std::int64_t DiaryxDocument::last_ms() const {
  std::int64_t last = state_ms;
  for (const DiaryxUpdate& update : updates) last = std::max(last, update.time_ms);
  return last;
}

Result<DiaryxDatabase> read_diaryx_database(const std::filesystem::path& named) {
  DX_TRY(const fs::path file, regular_file(named));
  const std::vector<Stamp> before = stamps_of(file);
  const auto still = [&]() -> Status {
    if (stamps_of(file) == before) return {};
    return Error{ErrorCode::Busy, named.string() + ": was written to while it was read",
                 "stop the program that uses it, and try again"};
  };

  ScratchFolder scratch;
  fs::path opened = file;
  std::optional<std::string> torn;
  const bool alone = before[1].size == 0 && before[2].size == 0;
  if (!alone) {
    DX_TRY_OK(check_journal(file));
    DX_TRY_OK(scratch.make());
    opened = scratch.path() / "copy.db";
    for (const char* suffix : kBeside) {
      std::error_code error;
      if (!fs::exists(file.string() + suffix, error)) continue;
      fs::copy_file(file.string() + suffix, opened.string() + suffix, error);
      if (error) return errno_error(error.value(), named.string() + suffix + ": cannot be copied");
      fs::permissions(opened.string() + suffix, fs::perms::owner_read | fs::perms::owner_write,
                      error);
    }
    DX_TRY_OK(still());
    DX_TRY(torn, wal_fault_beside(opened));
  }
  const auto read = [&]() -> Result<DiaryxDatabase> {
    DX_TRY(Database db,
           Database::open(opened, alone ? Database::Mode::Immutable : Database::Mode::ReadWrite,
                          kBusyMs));
    return Reading(db).run();
  };
  Result<DiaryxDatabase> found = read();
  DX_TRY_OK(still());
  if (!found) return told(std::move(found).error(), opened.string(), named);
  if (torn) {
    found->left_out.push_back(
        {"the end of the write-ahead log",
         told(Error{ErrorCode::Corrupt, *torn}, opened.string(), named).message});
  }
  return found;
}

}  // namespace diaryx::storage
