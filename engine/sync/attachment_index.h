// What the files are that notes have attached: SHA-256, size and type, so that validation need not
// read them. Kept in the store beside the documents, never in one: it is about this disk.
//
//   meta "attachment/<path>" = "<size> <mtime ns> <inode> <SHA-256, hex> <content type>"
//
// Entries without a type are from before there were types. An entry counts as long as the file's
// stat is the one in it. What does not count any more, or is attached anew, is read, one after the
// other and a part at a time (HashTask): after each look at the whole folder, and when a record or
// such a file has changed.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_set>
#include <vector>

#include "engine/filesystem/file_tree.h"
#include "engine/sync/disk_task.h"
#include "engine/sync/documents.h"

namespace diaryx::sync {

class AttachmentIndex {
 public:
  explicit AttachmentIndex(Documents& documents) : documents_(documents) {}
  // Once, and after a commit failed. What is no entry is none.
  Status load();

  // The folder has been looked at: what is there besides notes.
  void listed(const filesystem::Listing& listing);
  // The file may have changed, come or gone.
  void changed(const WorkspacePath& path);
  // So may what the record says is attached.
  void record_changed(const std::string& id);
  // The records are those of the listing, and nothing is more urgent: what to read next. Nothing:
  // all is known, or a task is out.
  std::optional<HashTask> next();
  // Steady ms at which next() has something again, if it has nothing now.
  std::optional<std::int64_t> next_due_ms() const;
  void complete(const HashTask& task, const DiskResult& result);

  // Of the file as its stat says it is; nothing if that is not known.
  std::optional<Sha256> hash_of(const std::string& path, const filesystem::FileStat& stat) const;
  struct Row {
    filesystem::FileStat stat;
    Sha256 hash{};
    std::string content_type;
  };
  using Rows = std::map<std::string, Row>;  // By path.
  const Rows& rows() const noexcept { return rows_; }
  // Of the files that notes have attached and that are there; their octets as far as they are
  // known.
  struct Totals {
    std::uint64_t files = 0, bytes = 0, not_indexed = 0;
  };
  Totals totals() const;
  // The same where nobody has looked at the folder: asks the disk for each of them.
  Totals look(filesystem::FileTree& files) const;

 private:
  struct Attached {
    std::size_t notes = 0;  // That have it.
    std::uint64_t size = 0;
  };

  void compare();
  void look_at_records();
  // Notes what the record says, and what becomes of the files that it names and named.
  void attach(const std::string& id);
  void detach(const std::string& path);
  bool is_there(const std::string& path) const;
  void gone(const std::string& path);
  void put(const WorkspacePath& path, const filesystem::FileStat& stat, const Sha256& hash);
  void forget(const std::string& path);

  Documents& documents_;
  Rows rows_;
  std::optional<std::map<std::string, filesystem::FileStat>> found_;  // Not yet compared.
  // keyed_hash() of each file's path: as of the last listing, and what has come since.
  std::unordered_set<std::uint64_t> there_, came_;
  std::map<std::string, Attached> attached_;                 // By path.
  std::map<std::string, std::vector<std::string>> targets_;  // Id → paths; those that have some.
  std::set<std::string> missing_;          // Ids that name something that is not there.
  std::set<std::string> changed_records_;  // Ids, not yet looked at.
  std::set<WorkspacePath> wanted_;
  std::map<WorkspacePath, std::int64_t> again_;  // Read too shortly after a change → when to.
  bool out_ = false;                             // A task is.
  std::optional<HashTask> unfinished_;           // Its next part.
};

// Reads the whole file, here and now.
Result<Sha256> hash_file(filesystem::FileTree& files, const WorkspacePath& path);

}  // namespace diaryx::sync
