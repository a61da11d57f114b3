#include "engine/storage/store.h"

#include <cerrno>
#include <system_error>

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/posix.h"
#include "engine/storage/schema.h"
#include "engine/storage/store_impl.h"
#include "engine/storage/wal_check.h"

namespace diaryx::storage {
namespace {

namespace fs = std::filesystem;

constexpr int kBusyMs = 5'000;
constexpr char kMemory[] = ":memory:";
// Kept in the file's header. Where the file system cannot share memory, SQLite stays with the
// rollback journal.
constexpr const char* kDataVersion = "PRAGMA data_version";
// In KiB. The system keeps the file's pages as well, and copying one costs next to nothing; but a
// long log, or 200 MB that are typed, would fill whatever is allowed here. What fills a fresh file
// in one transaction writes each page once if they all have room.
constexpr char kSmallCache[] = "PRAGMA cache_size = -4096";
constexpr char kLargeCache[] = "PRAGMA cache_size = -16384";
constexpr char kUseWal[] = "PRAGMA journal_mode = WAL";

Status configure(Database& db, OpenMode mode, bool fresh) {
  DX_TRY_OK(db.exec("PRAGMA cell_size_check = ON"));
  DX_TRY_OK(db.exec(fresh ? kLargeCache : kSmallCache));
  if (mode == OpenMode::ReadOnly) return {};
  // After a large import the WAL shrinks again at the next checkpoint.
  DX_TRY_OK(
      db.exec("PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 33554432;"
              "PRAGMA wal_autocheckpoint = 2000"));
  // A fresh store is filled in one large transaction. With a rollback journal its pages are written
  // once, into the file; with a WAL twice. commit() changes over.
  return fresh ? Status() : db.exec(kUseWal);
}

Status sync_folder(const fs::path& folder) {
  const Fd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd || ::fsync(fd.get()) != 0) return errno_error(errno, folder.string() + ": sync");
  return {};
}

// A new store is made under another name and then renamed: a store.db that exists is whole, always.
// One that is empty or cut short is damaged, and never taken for a fresh one.
Status create_file(const fs::path& file) {
  const fs::path making = file.parent_path() / temporary_name();
  {
    // Mode 0600: it holds the text of every note, also of those that others may not read. The WAL
    // takes the mode over.
    const Fd fd(::open(making.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!fd) return errno_error(errno, "make " + file.string());
  }
  const auto fill = [&]() -> Status {
    DX_TRY(Database db, Database::open(making, Database::Mode::ReadWrite, kBusyMs));
    return create_schema(db);
  };
  Status done = fill();
  if (done &&
      ::renameat2(AT_FDCWD, making.c_str(), AT_FDCWD, file.c_str(), RENAME_NOREPLACE) != 0) {
    // Some file systems know no RENAME_NOREPLACE; a hard link does not replace either.
    const bool linked = errno == EINVAL && ::link(making.c_str(), file.c_str()) == 0;
    if (!linked) done = errno_error(errno, "make " + file.string());
    (void)::unlink(making.c_str());  // It has its right name now, or is of no use.
  }
  if (!done) {
    for (const char* suffix : {"", "-wal", "-shm", "-journal"}) {
      (void)::unlink((making.string() + suffix)
                         .c_str());  // What is left over harms nobody; the first error counts.
    }
    return done;
  }
  return sync_folder(file.parent_path());
}

// Read-only, where not even the WAL's index can be made: the folder or the file system does not let
// us. That is safe to read as it is if no WAL is left over; with one, the newest changes would be
// missing without a word.
Result<Database> open_read_only(const fs::path& file) {
  const auto probe = [&](Database::Mode mode) -> Result<Database> {
    DX_TRY(Database db, Database::open(file, mode, kBusyMs));
    DX_TRY_OK(db.number("SELECT count(*) FROM sqlite_schema"));
    return db;
  };
  Result<Database> usual = probe(Database::Mode::ReadOnly);
  if (usual) return usual;
  const ErrorCode code = usual.error().code;
  if (code == ErrorCode::Corrupt || code == ErrorCode::Busy) return usual;
  struct stat left_over {};
  if (::stat((file.string() + "-journal").c_str(), &left_over) == 0 && left_over.st_size > 0) {
    return Error{ErrorCode::NotAllowed, file.string() + ": its first filling was interrupted",
                 "run init, or another command that writes, to set that right"};
  }
  if (::faccessat(AT_FDCWD, file.parent_path().c_str(), W_OK, AT_EACCESS) == 0) return usual;
  if (::stat((file.string() + "-wal").c_str(), &left_over) == 0 && left_over.st_size > 0) {
    return Error{
        ErrorCode::NotAllowed,
        file.string() +
            ": was not closed properly, and its folder cannot be written to set that right",
        "open it once where it can be written"};
  }
  return probe(Database::Mode::Immutable);
}

Result<Database> open_file(const fs::path& file, OpenMode mode) {
  if (mode == OpenMode::ReadOnly) return open_read_only(file);
  return Database::open(file, Database::Mode::ReadWrite, kBusyMs);
}

}  // namespace

Status Store::Impl::check_still_there() const {
  if (in_memory) return {};
  struct stat now {};
  if (::stat(db.name().c_str(), &now) == 0 && now.st_dev == device && now.st_ino == inode)
    return {};
  return Error{
      ErrorCode::Io, db.name() + ": was removed or replaced while it was open",
      "stop, and start again: what was not yet in the store is still with those who sent it"};
}

Status Store::Impl::begin(Kind wanted) {
  DX_CHECK(!open_transaction);
  if (wanted == Kind::Write && read_only) {
    return Error{ErrorCode::NotAllowed, db.name() + ": opened for reading only"};
  }
  if (wanted == Kind::Write) DX_TRY_OK(check_still_there());
  failed.reset();
  // IMMEDIATE takes the write lock now, so that no statement inside finds it taken.
  Query q = db.query(wanted == Kind::Write ? "BEGIN IMMEDIATE" : "BEGIN");
  DX_TRY_OK(q.run());
  kind = wanted;
  open_transaction = true;
  if (wanted == Kind::Write) {
    if (Status known = forget_what_others_changed(); !known) {
      rollback();
      return known;
    }
  }
  return {};
}

// Under the write lock, so that it cannot change any more.
Status Store::Impl::forget_what_others_changed() {
  DX_TRY(const std::int64_t version, db.number("PRAGMA data_version"));
  if (version == data_version) return {};
  appended.clear();
  data_version = version;
  return {};
}

Status Store::Impl::commit() {
  DX_CHECK(open_transaction);
  Status done;
  if (failed) {
    done = std::move(*failed);
  } else if (db.autocommit()) {
    done = Error{ErrorCode::Io, db.name() + ": the transaction was rolled back"};
  } else {
    if (kind == Kind::Write) done = check_still_there();
    if (done) done = db.query("COMMIT").run();
  }
  if (!done) {
    rollback();
    return done;
  }
  open_transaction = false;
  if (without_wal && kind == Kind::Write) use_wal_if_filled();
  return {};
}

void Store::Impl::use_wal_if_filled() noexcept {
  const auto filled =
      db.number("SELECT EXISTS (SELECT 1 FROM documents) OR EXISTS (SELECT 1 FROM ledger)");
  // Refused while somebody reads; the next commit tries again. What was committed is safe in either
  // mode.
  if (!filled || *filled == 0) return;
  const auto before = db.number(kDataVersion);
  if (db.exec(kUseWal)) without_wal = false;
  (void)db.exec(kSmallCache);  // More memory, then.
  const auto after = db.number(kDataVersion);
  if (before && after) own_version_changes += *after - *before;
}

void Store::Impl::rollback() noexcept {
  // SQLite may have rolled back by itself. If this fails too, closing the database will do it.
  if (!db.autocommit()) (void)db.query("ROLLBACK").run();
  appended.clear();
  turns.forget();
  open_transaction = false;
  failed.reset();
}

Store::Store(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Store::~Store() {
  DX_CHECK(!impl_->open_transaction);
}

Result<std::unique_ptr<Store>> Store::open(const fs::path& file, OpenMode mode) {
  const bool in_memory = file == kMemory;
  bool fresh = false;
  fs::path real = file;
  if (!in_memory) {
    // SQLite refuses links anywhere in the path. Those above the folder are the person's business,
    // the file itself not.
    std::error_code error;
    const fs::path folder = fs::canonical(file.has_parent_path() ? file.parent_path() : ".", error);
    if (error) return errno_error(error.value(), file.string());
    real = folder / file.filename();
    struct stat found {};
    if (::lstat(real.c_str(), &found) != 0) {
      if (errno != ENOENT) return errno_error(errno, file.string());
      if (mode != OpenMode::Create)
        return Error{ErrorCode::NotFound, file.string() + ": there is no store"};
      if (Status made = create_file(real); made) {
        fresh = true;
      } else if (made.error().code != ErrorCode::AlreadyExists) {
        return std::move(made).error();
      }
    } else if (!S_ISREG(found.st_mode)) {
      return Error{ErrorCode::NotAllowed, file.string() + ": not a regular file"};
    }
  }

  if (!in_memory && !fresh && mode != OpenMode::ReadOnly) {
    // SQLite would leave out what stands behind the damage, and then tidy it away.
    DX_TRY(auto wal, wal_fault_beside(real));
    if (wal) return Error{ErrorCode::Corrupt, std::move(*wal), kRepairHint};
  }
  DX_TRY(Database db, open_file(real, mode));
  auto impl = std::make_unique<Impl>(std::move(db));
  impl->in_memory = in_memory;
  impl->read_only = mode == OpenMode::ReadOnly;
  if (in_memory) {
    DX_TRY_OK(create_schema(impl->db));
  } else {
    struct stat now {};
    if (::stat(real.c_str(), &now) != 0) return errno_error(errno, file.string());
    impl->device = now.st_dev;
    impl->inode = now.st_ino;
  }
  // Before anything is written: the file may not be ours.
  DX_TRY(const std::int64_t version, read_version(impl->db, kSchemaVersion));
  DX_TRY_OK(configure(impl->db, mode, fresh));
  impl->without_wal = fresh;
  if (version < kSchemaVersion) {
    if (impl->read_only) {
      return Error{ErrorCode::NotAllowed,
                   file.string() + ": written by an older version of this program",
                   "run a command that writes, such as init, to bring it up to date"};
    }
    DX_TRY_OK(migrate(impl->db, migrations(), kSchemaVersion));
  }
  return std::unique_ptr<Store>(new Store(std::move(impl)));
}

Result<Store::Transaction> Store::begin() {
  DX_TRY_OK(impl_->begin(impl_->read_only ? Impl::Kind::Read : Impl::Kind::Write));
  return Transaction(*this);
}

Store::Transaction::Transaction(Transaction&& other) noexcept
    : store_(std::exchange(other.store_, nullptr)) {}

Store::Transaction::~Transaction() {
  if (store_ != nullptr) store_->impl_->rollback();
}

Status Store::Transaction::commit() {
  DX_CHECK(store_ != nullptr);
  return std::exchange(store_, nullptr)->impl_->commit();
}

Result<std::optional<std::string>> Store::meta(std::string_view key) {
  return impl_->within(Impl::Kind::Read, [&]() -> Result<std::optional<std::string>> {
    Query q = impl_->db.query("SELECT value FROM meta WHERE key = ?1");
    DX_TRY(const bool found, q.bind_text(1, key).step());
    if (!found) return std::optional<std::string>();
    return std::optional<std::string>(q.text(0));
  });
}

Status Store::set_meta(std::string_view key, std::string_view value) {
  return impl_->within(Impl::Kind::Write, [&]() -> Status {
    Query q = impl_->db.query(
        "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = ?2");
    return q.bind_text(1, key).bind_text(2, value).run();
  });
}

Status Store::erase_meta(std::string_view key) {
  return impl_->within(Impl::Kind::Write, [&]() -> Status {
    Query q = impl_->db.query("DELETE FROM meta WHERE key = ?1");
    return q.bind_text(1, key).run();
  });
}

Result<std::vector<std::pair<std::string, std::string>>> Store::list_meta(std::string_view prefix) {
  using Pairs = std::vector<std::pair<std::string, std::string>>;
  return impl_->within(Impl::Kind::Read, [&]() -> Result<Pairs> {
    Pairs pairs;
    Query q = impl_->db.query(
        "SELECT key, value FROM meta WHERE substr(key, 1, length(?1)) = ?1 AND key >= ?1 ORDER BY "
        "key");
    q.bind_text(1, prefix);
    for (;;) {
      DX_TRY(const bool more, q.step());
      if (!more) return pairs;
      pairs.emplace_back(q.text(0), q.text(1));
    }
  });
}

Result<std::int64_t> Store::data_version() {
  if (impl_->in_memory) return std::int64_t{0};
  DX_TRY(const std::int64_t version, impl_->db.number(kDataVersion));
  return version - impl_->own_version_changes;
}

Result<std::uint64_t> Store::size_bytes() {
  if (impl_->in_memory) return std::uint64_t{0};
  std::uint64_t total = 0;
  for (const char* suffix : {"", "-wal"}) {
    struct stat found {};
    const std::string file = impl_->db.name() + suffix;
    if (::stat(file.c_str(), &found) == 0) {
      total += static_cast<std::uint64_t>(found.st_size);
    } else if (errno != ENOENT) {
      return errno_error(errno, file);
    }
  }
  return total;
}

Status Store::checkpoint() {
  DX_CHECK(!impl_->open_transaction);
  if (impl_->in_memory || impl_->read_only) return {};
  DX_TRY_OK(impl_->turns.refresh(impl_->db));
  if (impl_->turns.has_turns()) {
    const Status moved = impl_->within(Impl::Kind::Write, [&]() -> Status {
      if (Status known = impl_->turns.refresh(impl_->db); !known) return known;
      return impl_->turns.move_all(impl_->db);
    });
    DX_TRY_OK(moved);
  }
  return impl_->db.checkpoint();
}

}  // namespace diaryx::storage
