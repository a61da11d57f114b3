// The interface to the workspace's files: real (disk_tree.h) or in memory with faults and a virtual clock (memory_tree.h).
// Every call is confined to the root, follows no symbolic link, and reports what it refused.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/hash.h"
#include "engine/base/result.h"
#include "engine/base/path.h"

namespace diaryx::filesystem {

// Enough to tell cheaply that a file is the one we saw last time.
struct FileStat {
  std::uint64_t size = 0;      // octets
  std::int64_t mtime_ns = 0;   // since 1970
  std::uint64_t inode = 0;
  std::uint32_t mode = 0644;   // permission bits
  bool operator==(const FileStat&) const = default;
};

struct FileContent {
  std::string bytes;
  FileStat stat;
};

struct Listed {
  WorkspacePath path;
  FileStat stat;
};
struct Skipped {
  std::string path;    // As found; may be no WorkspacePath.
  std::string reason;  // "symbolic link", "larger than 16 MiB", "permission denied", …
};
struct Listing {
  std::vector<Listed> files;      // Sorted by path.
  std::vector<Skipped> skipped;   // What a person would want to know about: never hidden files, .git or .diaryx.
};

// What the target must look like for a change to go ahead.
struct Expected {
  std::optional<Sha256> hash;  // Nothing: there must be no such file.
};

class FileTree {
 public:
  virtual ~FileTree() = default;

  // All regular files below the root, hidden ones (and .git, .diaryx) left out. Directories that cannot be read are skipped.
  virtual Result<Listing> list() = 0;
  // NotFound, NotAllowed (permissions, a symbolic link on the way, not a regular file), LimitExceeded (over `max_bytes`).
  virtual Result<FileContent> read(const WorkspacePath& path, std::uint64_t max_bytes) = 0;
  virtual Result<std::optional<FileStat>> stat(const WorkspacePath& path) = 0;

  // Replaces the file whole or not at all: temporary file beside it, sync, check that the target still is as `expected`,
  // rename, sync of the folder. Makes parent folders. Keeps the target's permissions. Conflict if it is not as expected.
  // Returns the new stat.
  virtual Result<FileStat> replace(const WorkspacePath& path, std::string_view bytes, const Expected& expected) = 0;
  // Moves the file into .diaryx/trash/. Conflict if it is not as expected. Empty parent folders stay.
  // Returns the name it has in the trash.
  virtual Result<std::string> trash(const WorkspacePath& path, const Expected& expected) = 0;
  // Renames within the root; never replaces an existing target (AlreadyExists). Conflict if the source is not as expected.
  virtual Status move(const WorkspacePath& from, const WorkspacePath& to, const Expected& expected) = 0;
};

// Larger files are not synced, only reported.
inline constexpr std::uint64_t kMaxNoteBytes = 16U << 20U;

}  // namespace diaryx::filesystem
