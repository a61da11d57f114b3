// Work on files as values: decided where the documents are, done where waiting for a disk hurts
// nobody.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "engine/filesystem/file_tree.h"

namespace diaryx::sync {

struct ListTask {};
struct ReadTask {
  WorkspacePath path;
  // Folders, and whether something is to be mounted on them. Where that is not so, what is not
  // found may be away.
  std::vector<std::pair<std::string, bool>> mounts = {};
};
struct WriteTask {
  std::string file_id;
  WorkspacePath path;
  std::shared_ptr<const std::string> bytes;
  filesystem::Expected expected;
};
struct MoveTask {
  std::string file_id;
  WorkspacePath from, to;
  filesystem::Expected expected;
};
struct TrashTask {
  std::string file_id;
  WorkspacePath path;
  filesystem::Expected expected;
};
// The hash of a file of any size, a part of it in each task, so that nobody waits for it long.
// Conflict if it changed meanwhile.
struct HashTask {
  struct Progress {
    Sha256Stream hash;
    std::uint64_t done = 0;                    // Octets.
    std::optional<filesystem::FileStat> seen;  // Of the file, at the first part.
  };
  WorkspacePath path;
  std::shared_ptr<Progress> progress = std::make_shared<Progress>();
};
using DiskTask = std::variant<ListTask, ReadTask, WriteTask, MoveTask, TrashTask, HashTask>;

struct DiskResult {
  DiskTask task;
  Status status;                               // Of the whole; the fields below only if it is good.
  std::optional<filesystem::Listing> listing;  // ListTask
  std::optional<filesystem::FileContent> content;  // ReadTask
  Sha256 hash{};                                   // ReadTask: of the content; HashTask.
  bool uncertain = false;  // WriteTask that failed: it may be on disk all the same.
  bool ignored = false;    // ReadTask: as the tree says.
  bool away = false;       // ReadTask that found nothing: it may lie on what is not mounted now.
  // WriteTask; HashTask: once it has come to the end, else the same task is to be run again.
  std::optional<filesystem::FileStat> stat;
};

// Blocks on the disk. Any thread, as long as `files` is used by one thread at a time.
DiskResult run_disk_task(filesystem::FileTree& files, DiskTask task);

}  // namespace diaryx::sync
