#include "engine/storage/salvage.h"

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <set>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>

#include "engine/base/posix.h"
#include "engine/base/utf.h"
#include "engine/storage/checksum.h"
#include "engine/storage/packed.h"
#include "engine/storage/schema.h"
#include "engine/storage/sqlite.h"
#include "engine/storage/wal_check.h"

namespace diaryx::storage {
namespace {

namespace fs = std::filesystem;

constexpr int kBusyMs = 5'000;
constexpr std::size_t kPage = 4096;
// Ids are given out one after the other: a store with more documents than that is not of this
// world.
constexpr std::int64_t kMostIds = 10'000'000;

bool is_digest_of(Bytes stored, Bytes bytes) {
  const Sha256 digest = sha256(bytes);
  return as_text(stored) == as_text(digest);
}

void remove_copy(const fs::path& file) {
  std::error_code ignored;  // Whoever takes the lock next removes what stays.
  for (const char* suffix : {"", "-wal", "-shm", "-journal"})
    fs::remove(file.string() + suffix, ignored);
}

// The copy, gone with the object.
struct Copy {
  fs::path file;
  explicit Copy(const fs::path& folder) : file(folder / temporary_name()) {}
  ~Copy() { remove_copy(file); }
  Copy(const Copy&) = delete;
  Copy& operator=(const Copy&) = delete;
};

Status copy_file(const fs::path& from, const fs::path& to) {
  std::error_code error;
  if (!fs::exists(from, error)) return {};
  fs::copy_file(from, to, fs::copy_options::overwrite_existing, error);
  if (error) return errno_error(error.value(), "copy " + from.string());
  fs::permissions(to, fs::perms::owner_read | fs::perms::owner_write, error);
  return {};
}

Status copy_store(const fs::path& from, const fs::path& to) {
  remove_copy(to);
  for (const char* suffix : {"", "-wal", "-journal"})
    DX_TRY_OK(copy_file(from.string() + suffix, to.string() + suffix));
  return {};
}

// The tables as the database itself describes them.
Result<std::string> schema_of(Database& db) {
  std::string text;
  Query q = db.query("SELECT name, rootpage, coalesce(sql, '') FROM sqlite_schema ORDER BY rowid");
  for (;;) {
    DX_TRY(const bool more, q.step());
    if (!more) return text;
    text += fmt::format("{} {} {}\n", q.text(0), q.integer(1), q.text(2));
  }
}

// A fresh store of the newest version: its first page, and its schema.
struct Pattern {
  std::string page;
  std::string schema;
};
Result<Pattern> make_pattern(const fs::path& folder) {
  const Copy fresh(folder);
  {
    const Fd fd(::open(fresh.file.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!fd) return errno_error(errno, fresh.file.string());
  }
  Pattern pattern;
  {
    DX_TRY(Database db, Database::open(fresh.file, Database::Mode::ReadWrite, kBusyMs));
    DX_TRY_OK(create_schema(db));
    DX_TRY(pattern.schema, schema_of(db));
  }
  pattern.page.resize(kPage);
  std::ifstream in(fresh.file, std::ios::binary);
  in.read(pattern.page.data(), static_cast<std::streamsize>(kPage));
  if (!in) return Error{ErrorCode::Io, fresh.file.string() + ": cannot be read"};
  return pattern;
}

void put_number(std::string& page, std::size_t at, std::uint32_t number) {
  for (std::size_t i = 0; i < 4; ++i) page[at + i] = static_cast<char>(number >> (24 - 8 * i));
}

// A fresh store's first page in front of the old pages. In the header: 18, 19: write and read
// version (2: WAL); 24, 92: counters that must be equal; 28: size in pages; 32, 36: free pages, of
// which we know none.
Status graft(const fs::path& file, std::string page) {
  std::error_code error;
  const std::uintmax_t size = fs::file_size(file, error);
  if (error) return errno_error(error.value(), file.string());
  page[18] = page[19] = 2;
  put_number(page, 24, 1);
  put_number(page, 28, static_cast<std::uint32_t>(std::max<std::uintmax_t>(size / kPage, 1)));
  put_number(page, 32, 0);
  put_number(page, 36, 0);
  put_number(page, 92, 1);
  std::fstream out(file, std::ios::binary | std::ios::in | std::ios::out);
  out.write(page.data(), static_cast<std::streamsize>(page.size()));
  out.close();
  if (!out) return Error{ErrorCode::Io, file.string() + ": cannot be written"};
  return {};
}

class Reader {
 public:
  Reader(Database& db, Salvage& found) : db_(db), found_(found) {}

  void run() {
    read_turns();
    for (const std::int64_t id :
         ids("SELECT id FROM documents ORDER BY id", "SELECT id FROM documents ORDER BY id DESC",
             "SELECT DISTINCT doc FROM updates", "documents"))
      read_doc(id);
    for (const std::int64_t id :
         ids("SELECT id FROM ledger ORDER BY id", "SELECT id FROM ledger ORDER BY id DESC",
             "SELECT id FROM ledger_bases", "the ledger"))
      read_entry(id);
    read_meta("SELECT key, value FROM meta ORDER BY key");
    read_meta("SELECT key, value FROM meta ORDER BY key DESC");
  }

 private:
  void fault(std::string what) { found_.faults.push_back(std::move(what)); }

  // False: the rows end before their end.
  bool collect(const char* sql, std::set<std::int64_t>& out) {
    Query q = db_.query(sql);
    for (;;) {
      const auto more = q.step();
      if (!more) return false;
      if (!*more) return true;
      if (q.integer(0) > 0 && q.integer(0) < kMostIds) out.insert(q.integer(0));
    }
  }

  // From both ends and from a table beside it; where a part is missing, every number in between may
  // be there.
  std::set<std::int64_t> ids(const char* up, const char* down, const char* beside,
                             std::string_view what) {
    std::set<std::int64_t> all;
    const bool whole = collect(up, all);
    if (whole) return all;
    fault(fmt::format("{}: the list has a hole", what));
    (void)collect(down, all);
    (void)collect(beside, all);
    if (all.empty()) return all;
    const std::int64_t last = *all.rbegin();
    for (std::int64_t id = 1; id < last; ++id) all.insert(id);
    return all;
  }

  void read_doc(std::int64_t id) {
    SalvagedDoc doc;
    {
      Query q = db_.query("SELECT name FROM documents WHERE id = ?1");
      const auto row = q.bind_int(1, id).step();
      if (!row || !*row) return;
      doc.name = q.text(0);
      if (!is_utf8(doc.name)) return fault(fmt::format("document {}: its name is none", id));
    }
    const auto damage = [&](std::string_view what) {
      doc.whole = false;
      fault(fmt::format("document \"{}\": {}", doc.name, what));
    };
    std::int64_t covered = 0;
    {
      Query q = db_.query(
          "SELECT s.covers_seq, s.sha256, t.state FROM snapshots s LEFT JOIN snapshot_states t ON "
          "t.doc = s.doc WHERE s.doc = ?1");
      const auto row = q.bind_int(1, id).step();
      if (!row) {
        damage("its snapshot cannot be read");
      } else if (*row && !is_digest_of(q.blob(1), q.blob(2))) {
        damage("the snapshot is not what was written");
        covered = q.integer(0);
      } else if (*row) {
        covered = q.integer(0);
        doc.stored.snapshot = Snapshot{covered, to_buffer(q.blob(2))};
      }
    }
    std::map<std::int64_t, StoredUpdate> updates;
    bad_updates_ = std::move(bad_of_turns_[id]);
    constexpr const char* kUp =
        "SELECT seq, time_ms, origin, crc, data FROM updates WHERE doc = ?1 ORDER BY seq";
    constexpr const char* kDown =
        "SELECT seq, time_ms, origin, crc, data FROM updates WHERE doc = ?1 ORDER BY seq DESC";
    if (!read_updates(kUp, id, updates)) {
      damage("its log cannot be read to the end");
      (void)read_updates(kDown, id, updates);
    }
    if (const auto it = of_turns_.find(id); it != of_turns_.end()) updates.merge(it->second);
    if (turns_cut_) damage("some of its newest updates may be lost with a turn");
    for (const std::int64_t seq : bad_updates_)
      damage(fmt::format("update {} is not what was written", seq));
    // One after the other: a number that is missing was there.
    std::int64_t expected = covered + 1;
    for (auto& [seq, update] : updates) {
      if (seq <= covered) continue;
      if (seq != expected && bad_updates_.empty())
        damage(fmt::format("updates {} to {} are not there", expected, seq - 1));
      expected = seq + 1;
      doc.stored.updates.push_back(std::move(update));
    }
    found_.docs.push_back(std::move(doc));
  }

  bool read_updates(const char* sql, std::int64_t id, std::map<std::int64_t, StoredUpdate>& out) {
    Query q = db_.query(sql);
    q.bind_int(1, id);
    for (;;) {
      const auto more = q.step();
      if (!more) return false;
      if (!*more) return true;
      const std::int64_t seq = q.integer(0);
      const std::int64_t origin = q.integer(2);
      if (origin == kPackedOrigin) {
        // Each entry has a sum of its own.
        if (!unpack(q.blob(4), [&](const PackedUpdate& entry) { take(entry, out, bad_updates_); }))
          bad_updates_.insert(seq);
        continue;
      }
      const bool good = q.integer(3) == update_row_crc(id, seq, q.integer(1), origin, q.blob(4)) &&
                        origin >= 0 && origin <= static_cast<std::int64_t>(UpdateOrigin::Import);
      if (!good) {
        bad_updates_.insert(seq);
        continue;
      }
      out.insert_or_assign(seq, StoredUpdate{seq, to_buffer(q.blob(4)),
                                             static_cast<UpdateOrigin>(origin), q.integer(1)});
    }
  }

  using Updates = std::map<std::int64_t, StoredUpdate>;

  static void take(const PackedUpdate& entry, Updates& out, std::set<std::int64_t>& bad) {
    if (!entry.good) {
      bad.insert(entry.seq);
      return;
    }
    out.insert_or_assign(entry.seq,
                         StoredUpdate{entry.seq, to_buffer(entry.data),
                                      static_cast<UpdateOrigin>(entry.origin), entry.time_ms});
  }

  // False: the row ends before its end.
  template <class Each>
  static bool unpack(Bytes row, const Each& each) {
    Unpacker entries(row);
    while (const auto entry = entries.next()) each(*entry);
    return !entries.cut();
  }

  void read_turns() {
    if (read_turns("SELECT seq, data FROM updates WHERE doc = 0 ORDER BY seq")) return;
    turns_cut_ = true;
    fault("the turns cannot be read to the end");
    (void)read_turns("SELECT seq, data FROM updates WHERE doc = 0 ORDER BY seq DESC");
  }

  bool read_turns(const char* sql) {
    Query q = db_.query(sql);
    for (;;) {
      const auto more = q.step();
      if (!more) return false;
      if (!*more) return true;
      const bool good = unpack(q.blob(1), [&](const PackedUpdate& entry) {
        take(entry, of_turns_[entry.doc], bad_of_turns_[entry.doc]);
        // Whose it was is not known for sure then.
        if (!entry.good) turns_cut_ = true;
      });
      if (good) continue;
      turns_cut_ = true;
      fault(fmt::format("turn {} is not what was written", q.integer(0)));
    }
  }

  void read_entry(std::int64_t id) {
    LedgerEntry entry;
    Query q = db_.query(
        "SELECT l.file_id, l.path, l.base_hash, l.size, l.mtime_ns, l.inode, b.base, p.path, "
        "p.sha256, p.text, p.id FROM ledger l LEFT JOIN ledger_bases b ON b.id = l.id LEFT JOIN "
        "ledger_pending p ON p.id = l.id WHERE l.id = ?1");
    const auto row = q.bind_int(1, id).step();
    if (row && !*row) return;
    if (!row || q.blob(2).size() != entry.base_hash.size() || !is_digest_of(q.blob(2), q.blob(6)) ||
        (!q.is_null(10) && !is_digest_of(q.blob(8), q.blob(9)))) {
      ++found_.lost_ledger;
      return;
    }
    entry.file_id = q.text(0);
    entry.path = q.text(1);
    if (!is_utf8(entry.file_id) || !is_utf8(entry.path)) {
      ++found_.lost_ledger;
      return;
    }
    entry.base = as_text(q.blob(6));
    entry.base_hash = sha256(q.blob(6));
    entry.size = static_cast<std::uint64_t>(q.integer(3));
    entry.mtime_ns = q.integer(4);
    entry.inode = static_cast<std::uint64_t>(q.integer(5));
    if (!q.is_null(10)) {
      entry.pending_path = q.text(7);
      entry.pending = std::string(as_text(q.blob(9)));
    }
    found_.ledger.insert_or_assign(entry.file_id, std::move(entry));
  }

  void read_meta(const char* sql) {
    Query q = db_.query(sql);
    for (;;) {
      const auto more = q.step();
      if (!more || !*more) return;
      // The version is of the file, and may be what is damaged; a fresh one has its own.
      if (is_utf8(q.text(0)) && is_utf8(q.text(1)) && q.text(0) != kVersionKey)
        found_.meta.insert_or_assign(std::string(q.text(0)), std::string(q.text(1)));
    }
  }

  Database& db_;
  Salvage& found_;
  std::set<std::int64_t> bad_updates_;  // Of the document that is read.
  std::map<std::int64_t, Updates> of_turns_;
  std::map<std::int64_t, std::set<std::int64_t>> bad_of_turns_;
  bool turns_cut_ = false;  // Any document may lack something.
};

// What the whole database says of itself.
void check(Database& db, Salvage& found) {
  Query q = db.query("PRAGMA integrity_check");
  for (;;) {
    const auto more = q.step();
    if (!more) {
      found.faults.push_back("database: " + more.error().message);
      return;
    }
    if (!*more) return;
    if (q.text(0) != "ok") found.faults.push_back(fmt::format("database: {}", q.text(0)));
  }
}

}  // namespace

Result<Salvage> salvage(const fs::path& database, const fs::path& scratch) {
  Salvage found;
  if (std::error_code error; !fs::exists(database, error))
    return Error{ErrorCode::NotFound, database.string() + ": there is no store"};
  DX_TRY(const auto wal, wal_fault_beside(database));
  if (wal) found.faults.push_back(*wal);
  const Copy copy(scratch);
  DX_TRY_OK(copy_store(database, copy.file));
  DX_TRY(const Pattern pattern, make_pattern(scratch));
  {
    auto db = Database::open(copy.file, Database::Mode::ReadWrite, kBusyMs);
    const auto version = db ? read_version(*db, kSchemaVersion) : Result<std::int64_t>(db.error());
    if (!version && version.error().code == ErrorCode::TooNew) return version.error();
    auto schema = version ? schema_of(*db) : Result<std::string>(version.error());
    if (schema && *version < kSchemaVersion && migrate(*db, migrations(), kSchemaVersion))
      schema = schema_of(*db);
    if (schema && *schema == pattern.schema) {
      check(*db, found);
      Reader(*db, found).run();
      return found;
    }
    found.faults.push_back(schema ? "database: the first page is not what was written"
                                  : "database: " + schema.error().message);
  }
  DX_TRY_OK(copy_store(database, copy.file));
  DX_TRY_OK(graft(copy.file, pattern.page));
  auto db = Database::open(copy.file, Database::Mode::ReadWrite, kBusyMs);
  // Its header is a fresh store's now; whether the row of meta agrees does not matter any more.
  if (!db || !db->number("PRAGMA user_version")) return found;
  Reader(*db, found).run();
  return found;
}

}  // namespace diaryx::storage
