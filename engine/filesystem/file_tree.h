// The interface to the workspace's files: real (disk_tree.h) or in memory with faults and a virtual
// clock (memory_tree.h). Every call is confined to the root, follows no symbolic link, and reports
// what it refused.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/hash.h"
#include "engine/base/path.h"
#include "engine/base/result.h"

namespace diaryx::filesystem {

// Enough to tell cheaply that a file is the one we saw last time.
struct FileStat {
  std::uint64_t size = 0;     // octets
  std::int64_t mtime_ns = 0;  // since 1970
  std::uint64_t inode = 0;
  std::uint32_t mode = 0644;  // permission bits
  bool operator==(const FileStat&) const = default;
  // Whatever its permissions.
  bool same_file(const FileStat& other) const noexcept {
    return size == other.size && mtime_ns == other.mtime_ns && inode == other.inode;
  }
};

struct FileContent {
  std::string bytes;
  FileStat stat;
  // Another program has it open for writing, as far as the system tells: this may be half of what
  // it is to be. (A shell that runs `slow > note.md` empties the file long before it fills it.)
  bool being_written = false;
};

struct Listed {
  WorkspacePath path;
  FileStat stat;
  bool ignored = false;  // As FileTree::ignored() says.
};
struct Skipped {
  std::string path;    // As found; may be no WorkspacePath.
  std::string reason;  // "symbolic link", "larger than 16 MiB", "permission denied", …
};
struct Listing {
  std::vector<Listed> files;     // Sorted by path.
  std::vector<Skipped> skipped;  // What a person would want to know about: never hidden files, .git
                                 // or .diaryx. Sorted.
  // Folders on which a file system is mounted. Sorted.
  std::vector<std::string> mounts;

  // True if `path` was skipped or lies in a folder that was: that it is not among the files says
  // nothing about it, least of all that somebody deleted it.
  bool unknown(const WorkspacePath& path) const;
};

// What the target must look like for a change to go ahead.
struct Expected {
  std::optional<Sha256> hash;  // Nothing: there must be no such file.
};

class FileTree {
 public:
  virtual ~FileTree() = default;

  // All regular files below the root, hidden ones (and .git, .diaryx) left out, whatever their
  // extension. Skipped with a reason: folders that cannot be read, symbolic links, names that are
  // no WorkspacePath, Markdown over kMaxNoteBytes, and pipes, sockets or devices named like
  // Markdown. NotFound if the root is no longer where it was (moved, deleted, unmounted): an empty
  // listing would read as "all files deleted".
  virtual Result<Listing> list() = 0;
  // NotFound, NotAllowed (permissions, a symbolic link on the way, not a regular file),
  // LimitExceeded (over `max_bytes`). While the root is not where it was, a file that is not found
  // is Io and not NotFound: nobody deleted it. The stat is from before the reading: if the file
  // changes meanwhile, a later stat() differs from it.
  virtual Result<FileContent> read(const WorkspacePath& path, std::uint64_t max_bytes) = 0;
  // A piece of a file of any size: `most` octets from `offset` on, fewer only at its end. Errors as
  // read(). The stat is of the whole, from before the reading.
  virtual Result<FileContent> read_piece(const WorkspacePath& path, std::uint64_t offset,
                                         std::size_t most) = 0;
  // Whether a file system is mounted on this folder. Nothing if there is no such folder.
  virtual Result<std::optional<bool>> is_mount_point(const std::string& folder) = 0;
  // Nothing if there is no such file. NotAllowed if there is something else of that name (a folder,
  // a symbolic link, …).
  virtual Result<std::optional<FileStat>> stat(const WorkspacePath& path) = 0;

  // Whether git, or whoever else is asked (ignore_by()), wants to know nothing of the file. It is
  // listed and can be read all the same.
  bool ignored(const WorkspacePath& path) const { return ignore_ && ignore_(path); }
  // Called by whoever lists and reads, on their thread.
  void ignore_by(std::function<bool(const WorkspacePath&)> ignore) { ignore_ = std::move(ignore); }

  // Replaces the file whole or not at all: temporary file beside it, sync, check that the target
  // still is as `expected`, rename, sync of the folder. Makes parent folders. Keeps the target's
  // permissions. Conflict if it is not as expected. NotAllowed if the target may not be written,
  // even where its folder may. Busy if another program has it open for writing: what it writes
  // would go to a file that nobody finds. NoSpace. Returns the new stat.
  virtual Result<FileStat> replace(const WorkspacePath& path, std::string_view bytes,
                                   const Expected& expected) = 0;
  // Moves the file into .diaryx/trash/. Conflict if it is not as expected. Empty parent folders
  // stay. Returns the name it has in the trash: "<UTC time>-<random>/<path>", so that what follows
  // the first "/" is where it was.
  virtual Result<std::string> trash(const WorkspacePath& path, const Expected& expected) = 0;
  // Renames within the root; never replaces an existing target (AlreadyExists). Makes parent
  // folders. Conflict if the source is not as expected. A change of case only works on file systems
  // that ignore case, too.
  virtual Status move(const WorkspacePath& from, const WorkspacePath& to,
                      const Expected& expected) = 0;

 private:
  std::function<bool(const WorkspacePath&)> ignore_;
};

// Larger files are not synced, only reported.
inline constexpr std::uint64_t kMaxNoteBytes = 16U << 20U;

}  // namespace diaryx::filesystem
