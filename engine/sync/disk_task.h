// Work on files as values: decided where the documents are, done where waiting for a disk hurts
// nobody.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "engine/filesystem/file_tree.h"

namespace diaryx::sync {

struct ListTask {};
struct ReadTask {
  WorkspacePath path;
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
using DiskTask = std::variant<ListTask, ReadTask, WriteTask, MoveTask, TrashTask>;

struct DiskResult {
  DiskTask task;
  Status status;                               // Of the whole; the fields below only if it is good.
  std::optional<filesystem::Listing> listing;  // ListTask
  std::optional<filesystem::FileContent> content;  // ReadTask
  Sha256 hash{};                                   // ReadTask: of the content.
  bool uncertain = false;  // WriteTask that failed: it may be on disk all the same.
  bool ignored = false;    // ReadTask: as the tree says.
  std::optional<filesystem::FileStat> stat;  // WriteTask
};

// Blocks on the disk. Any thread, as long as `files` is used by one thread at a time.
DiskResult run_disk_task(filesystem::FileTree& files, DiskTask task);

}  // namespace diaryx::sync
