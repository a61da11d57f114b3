// The workspace's database: durable updates and snapshots of documents as opaque bytes, the ledger
// of what disk and documents last agreed on, and a few named values. One SQLite file
// (.diaryx/store.db); schema.sql documents each column.
//
// Reading works beside another process that writes (WAL). Writing is for the holder of the
// workspace lock (lock.h).
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/bytes.h"
#include "engine/base/hash.h"
#include "engine/base/result.h"

namespace diaryx::storage {

// Where an update came from. Stored as a number; never renumber.
enum class UpdateOrigin : std::uint8_t { Local = 0, Remote = 1, Sync = 2, Disk = 3, Import = 4 };

struct NewUpdate {
  std::string
      doc;      // Store name of the document, e.g. "workspace", "body/<file id>", "path/<path>".
  Buffer data;  // An update v1; opaque here.
  UpdateOrigin origin = UpdateOrigin::Remote;
  std::int64_t time_ms = 0;
};

struct StoredUpdate {
  std::int64_t seq;  // Strictly increasing within a document, from 1, gaps allowed, never reused.
  Buffer data;
  UpdateOrigin origin;
  std::int64_t time_ms;
};

struct Snapshot {
  std::int64_t covers_seq;  // Contains every update up to and including this one.
  Buffer state;
};

struct StoredDoc {
  std::optional<Snapshot> snapshot;
  std::vector<StoredUpdate> updates;  // Those after the snapshot, ascending.
  bool exists() const noexcept { return snapshot.has_value() || !updates.empty(); }
};

// The octets belong to the store, and live until the call that handed them out returns.
struct UpdateView {
  std::int64_t seq;
  Bytes data;
};

struct DocStat {
  std::string doc;
  std::int64_t last_seq = 0;
  std::uint64_t log_rows = 0, log_bytes = 0, snapshot_bytes = 0;  // Log: after the snapshot.
};

// One file as disk and documents last agreed on it.
struct LedgerEntry {
  std::string file_id;
  std::string path;    // Empty: they never agreed, there is only a first write pending. The base is
                       // empty then.
  std::string base;    // The whole file, octet for octet.
  Sha256 base_hash{};  // Of `base`.
  std::uint64_t size = 0;
  std::int64_t mtime_ns = 0;
  std::uint64_t inode = 0;
  // Set just before we write the file, cleared (and become the base) just after: tells our own
  // half-finished write from somebody's edit after a crash. `pending` is the whole new file.
  std::optional<std::string> pending;
  std::string pending_path;  // Where `pending` goes; differs from `path` when we move the file.
};
// The same without the two large texts.
struct LedgerStamp {
  std::string file_id, path;
  Sha256 base_hash{};
  std::uint64_t size = 0;
  std::int64_t mtime_ns = 0;
  std::uint64_t inode = 0;
  bool has_pending = false;
};

enum class OpenMode { ReadOnly, ReadWrite, Create };

class Store {
 public:
  // `file` ":memory:" for tests. TooNew if written by a newer schema, Corrupt if it is no database
  // of ours, NotFound. The folder of `file` must exist. Create makes the store whole or not at all,
  // with mode 0600; an empty or torn file is Corrupt, never taken for a new store. ReadOnly works
  // in a folder that cannot be written, too, if the store was closed properly.
  static Result<std::unique_ptr<Store>> open(const std::filesystem::path& file, OpenMode mode);
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // A transaction. Rolls back when destroyed uncommitted; nested begin() is a broken invariant.
  class Transaction {
   public:
    Transaction(Transaction&& other) noexcept;
    Transaction& operator=(Transaction&&) = delete;
    ~Transaction();
    Status commit();  // Durable when it returns.

   private:
    friend class Store;
    explicit Transaction(Store& store) : store_(&store) {}
    Store* store_;
  };
  Result<Transaction> begin();

  // Calls below run in the open transaction, or each in one of its own. In a ReadOnly store,
  // begin() makes reads see one moment. When a write inside a transaction fails (but for refusals:
  // AlreadyExists, Conflict, NotFound, InvalidArgument), a part of it may have been done: every
  // later call and commit() give that error again, and nothing is kept. Many append()s in one
  // transaction cost one sync of the disk. The first transaction of a new store that puts in
  // documents or files is written once instead of twice, and readers wait until it is done: fill a
  // new store in one.
  Status append(std::span<const NewUpdate> updates);
  Result<StoredDoc> load(std::string_view doc);
  // The same without a copy of it all: the snapshot's state, if there is one, then each update
  // after it, ascending. An error of theirs ends it. They must not call the store.
  Status visit(std::string_view doc, const std::function<Status(Bytes state)>& snapshot,
               const std::function<Status(const UpdateView&)>& update);
  Result<bool> exists(std::string_view doc);
  Result<std::vector<DocStat>> list_docs(std::string_view prefix);
  // Just the names, ascending: cheap.
  Result<std::vector<std::string>> doc_names(std::string_view prefix);
  Result<std::int64_t> last_seq(std::string_view doc);
  // Replaces the snapshot and deletes the log up to covers_seq; makes the document if there is
  // none. Conflict if the stored snapshot covers more. The caller has checked that `snapshot` is
  // whole.
  Status fold(std::string_view doc, const Snapshot& snapshot);
  // Snapshot and log move to a new name; AlreadyExists if that exists, NotFound if `from` does not.
  Status rename_doc(std::string_view from, std::string_view to);
  Status remove_doc(std::string_view doc);

  Result<std::optional<LedgerEntry>> ledger(std::string_view file_id);
  Result<std::vector<LedgerStamp>> ledger_stamps();
  // Replaces the whole entry, also what is pending: nothing there means that nothing is pending any
  // more.
  Status put_ledger(const LedgerEntry& entry);
  // Only the stat part, when a file was touched but not changed. NotFound without an entry.
  Status put_ledger_stat(std::string_view file_id, std::uint64_t size, std::int64_t mtime_ns,
                         std::uint64_t inode);
  // Makes an entry with an empty path if there is none (a file's first write).
  Status set_ledger_pending(std::string_view file_id, std::string_view pending_path,
                            std::string_view pending);
  // The write was given up: base and path stay as they are, an entry with an empty path goes. (A
  // write that was done is told by put_ledger.) NotFound without an entry.
  Status clear_ledger_pending(std::string_view file_id);
  Status remove_ledger(std::string_view file_id);

  Result<std::optional<std::string>> meta(std::string_view key);
  Status set_meta(std::string_view key, std::string_view value);
  Status erase_meta(std::string_view key);
  // All pairs whose key begins with `prefix`, by key.
  Result<std::vector<std::pair<std::string, std::string>>> list_meta(std::string_view prefix);

  // Another number than last time: somebody else (another process) has committed something since.
  // Within a transaction, up to its beginning. Cheap. Always 0 in memory.
  Result<std::int64_t> data_version();
  // Octets on disk: database and WAL.
  Result<std::uint64_t> size_bytes();
  // Looks at everything that is stored: SQLite's own integrity check, the checksum of every update,
  // the hash of every snapshot, base and pending text, rows that belong to nothing. One line for
  // each fault; none: all is well. Reads the whole file. An error only if the file cannot be read
  // at all.
  Result<std::vector<std::string>> verify() { return verify(VerifyPart::All); }
  // In two halves of about the same work, for two connections at once.
  enum class VerifyPart {
    All,
    Structure,  // That it is a database, and its log file.
    Contents,   // That each row is what was written, and belongs to something.
  };
  Result<std::vector<std::string>> verify(VerifyPart part);

  // Moves the WAL into the database as far as present readers allow. Closing the last user does it
  // too.
  Status checkpoint();

 private:
  struct Impl;
  explicit Store(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace diaryx::storage
