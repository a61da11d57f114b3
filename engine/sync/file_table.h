// The ledger in memory: which file is where on disk, and what disk and documents last agreed on.
// The texts stay in the store.
//
// Changes go into the turn's transaction (Documents::queue) and are visible here at once; after a
// failed commit, load() again.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>

#include "engine/base/keyed_hash.h"
#include "engine/filesystem/file_tree.h"
#include "engine/sync/documents.h"

namespace diaryx::sync {

class FileTable {
 public:
  explicit FileTable(Documents& documents) : documents_(documents) {}
  Status load();

  struct Row {
    std::string path;
    Sha256 base_hash{};
    filesystem::FileStat stat;
    bool on_disk = false;  // false: we are about to write it for the first time.
    bool has_pending = false;
  };
  const Row* find(std::string_view file_id) const;
  // The file that disk and documents last agreed is at `path`.
  std::optional<std::string> id_at(std::string_view path) const;
  using Rows = std::map<std::string, Row, std::less<>>;
  // The same with its row, which is valid until it is forgotten; null if there is none.
  const Rows::value_type* at(const std::string& path) const;
  const Rows& rows() const noexcept { return rows_; }

  // With the texts. Sees what this turn has changed.
  Result<std::optional<storage::LedgerEntry>> entry(const std::string& file_id);

  // Disk and document agree on these bytes, at this path.
  void agree(const std::string& file_id, const std::string& path, std::string bytes,
             const Sha256& hash, const filesystem::FileStat& stat);
  // The same bytes, another stat or path.
  void touch(const std::string& file_id, const filesystem::FileStat& stat);
  Status move(const std::string& file_id, const std::string& path);
  // We are about to write.
  void intend(const std::string& file_id, const std::string& path, const std::string& bytes);
  void give_up(const std::string& file_id);
  // Of a file that may have been written for the first time: whether its path leads to it, which it
  // does from here on unless it leads to another one.
  bool claim_path(const std::string& file_id);
  void forget(const std::string& file_id);
  // As forget(), of a file that was deleted; but what disk and document last agreed on is kept,
  // until they agree on something again: the file may come back (an editor that saves by deleting,
  // a person who restores), and its document may have changed meanwhile.
  enum class Burial {
    Ours,      // We put it into the trash.
    Vanished,  // It was not in its place; it may turn up elsewhere: lost() lists it.
  };
  Status bury(const std::string& file_id, Burial burial);
  Result<std::optional<std::string>> buried(const std::string& file_id);

  struct Lost {
    std::string path;  // Where it was.
    Sha256 hash;       // Of what it held.
    std::uint64_t inode;
    std::int64_t since_ms;  // Steady; of those from before our start, when we started.
  };
  // Files that vanished, by id, until disk and document agree on them again or lose_sight() is
  // called.
  const std::map<std::string, Lost>& lost() const noexcept { return lost_; }
  // Those that vanished before `steady_ms` will not turn up any more.
  void lose_sight(std::int64_t steady_ms);

 private:
  void put(storage::LedgerEntry entry);
  // A file changed within the clock's tick of being read may change again unseen: make sure that it
  // is read next time.
  filesystem::FileStat settled(filesystem::FileStat stat) const;

  Documents& documents_;
  // The row of that id; made if there is none.
  Rows::value_type& row_of(const std::string& file_id);
  // Its path no longer leads to it. Before it gets another one, or is erased.
  void leave_path(const Rows::value_type& named);

  Rows rows_;
  std::unordered_map<std::string, Rows::value_type*, KeyedHash> by_path_;
  std::set<std::string, std::less<>> buried_;         // Ids.
  std::map<std::string, Lost> lost_;                  // Of these.
  std::map<std::string, std::string> queued_buried_;  // As queued_.
  // Entries queued in this turn, so that entry() sees them. Cleared when the store has them.
  std::map<std::string, storage::LedgerEntry> queued_;
};

}  // namespace diaryx::sync
