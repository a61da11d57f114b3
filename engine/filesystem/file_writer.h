// A file that is too large to hold, on its way to disk: written piece by piece under a temporary
// name beside its place, and put there whole or not at all by DiskTree::install().
//
// Destroyed before that, it leaves nothing: neither the file nor the folders made for it.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "engine/base/hash.h"
#include "engine/base/path.h"
#include "engine/base/posix.h"
#include "engine/base/result.h"
#include "engine/filesystem/confined_root.h"

namespace diaryx::filesystem {

class FileWriter {
 public:
  // Makes parent folders. `root` must outlive it.
  static Result<std::unique_ptr<FileWriter>> create(const ConfinedRoot& root,
                                                    const WorkspacePath& path);
  ~FileWriter();
  FileWriter(const FileWriter&) = delete;
  FileWriter& operator=(const FileWriter&) = delete;

  // NoSpace, Io. After an error the file is good for nothing.
  Status write(std::string_view bytes);
  // Of all that was written. Once, at the end.
  Sha256 finish_hash() { return hash_.finish(); }

  const WorkspacePath& path() const noexcept { return path_; }

 private:
  friend class DiskTree;
  FileWriter(const ConfinedRoot& root, WorkspacePath path, ConfinedRoot::Folder folder)
      : root_(root), path_(std::move(path)), folder_(std::move(folder)) {}

  const ConfinedRoot& root_;
  const WorkspacePath path_;
  ConfinedRoot::Folder folder_;
  Fd fd_;
  std::string name_;  // Temporary; empty once the file is in its place.
  Sha256Stream hash_;
};

}  // namespace diaryx::filesystem
