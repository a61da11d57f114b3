// What the files are that notes have attached: SHA-256 and size, so that validation need not read
// them. Kept in the store beside the documents, never in one: it is about this disk.
//
//   meta "attachment/<path>" = "<size> <mtime ns> <inode> <SHA-256, hex>"
//
// An entry counts as long as the file's stat is the one in it. After each look at the whole folder
// those that do not count any more are read anew, one after the other and a part at a time
// (HashTask).
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>

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
  // The file may have changed.
  void changed(const WorkspacePath& path);
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
  };
  using Rows = std::map<std::string, Row>;  // By path.
  const Rows& rows() const noexcept { return rows_; }

 private:
  void compare();
  void put(const WorkspacePath& path, const filesystem::FileStat& stat, const Sha256& hash);
  void forget(const std::string& path);

  Documents& documents_;
  Rows rows_;
  std::optional<std::map<std::string, filesystem::FileStat>> found_;  // Not yet compared.
  std::set<std::string> attached_;                                    // As of the last comparison.
  std::set<WorkspacePath> wanted_;
  std::map<WorkspacePath, std::int64_t> again_;  // Read too shortly after a change → when to.
  bool out_ = false;                             // A task is.
  std::optional<HashTask> unfinished_;           // Its next part.
};

// Reads the whole file, here and now.
Result<Sha256> hash_file(filesystem::FileTree& files, const WorkspacePath& path);

}  // namespace diaryx::sync
