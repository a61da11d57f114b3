// What must be known of the folder before anything is served or compared, found out on a thread of
// its own while the documents are read: the folder is watched, then listed.
#pragma once

#include <filesystem>
#include <future>
#include <memory>

#include "engine/filesystem/file_tree.h"
#include "engine/filesystem/folder_watch.h"
#include "engine/sync/disk_task.h"

namespace diaryx::sync {

class FirstLook {
 public:
  struct Found {
    std::unique_ptr<filesystem::FileTree> files;  // Those that were listed.
    // Tells of every change since before the listing. Null if it was not asked for.
    std::unique_ptr<filesystem::FolderWatch> watch;
    DiskResult listed;  // Of a ListTask.
  };

  // Begins. `watched`: the root whose changes are to be told; empty: none. Where there is no thread
  // to be had, it is done in end().
  FirstLook(std::filesystem::path watched, std::unique_ptr<filesystem::FileTree> files);
  // Waits for the end, if nobody has. A listing that failed is in `listed`; an error: the folder
  // cannot be watched in any way.
  Result<Found> end() { return found_.get(); }

 private:
  std::future<Result<Found>> found_;
};

}  // namespace diaryx::sync
