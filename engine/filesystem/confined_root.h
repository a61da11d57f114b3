// A folder from which nothing leads out: every path is resolved beneath it and no symbolic link is
// followed on the way, by the kernel where it can (openat2 with RESOLVE_BENEATH |
// RESOLVE_NO_SYMLINKS, Linux 5.6), else one component after the other with O_NOFOLLOW. The folder
// itself may be reached through links: that is the person's choice.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/posix.h"
#include "engine/base/result.h"

namespace diaryx::filesystem {

class ConfinedRoot {
 public:
  enum class Resolve { Auto, ByComponent };
  // NotFound, NotAllowed.
  static Result<ConfinedRoot> open(const std::filesystem::path& root,
                                   Resolve resolve = Resolve::Auto);

  int fd() const noexcept { return fd_.get(); }
  const std::filesystem::path& path() const noexcept { return path_; }
  bool by_kernel() const noexcept { return by_kernel_; }

  // open(2) beneath the root; `relative` "" is the root itself. O_CLOEXEC and O_NOFOLLOW are added.
  // Returns 0 or errno; ELOOP means a symbolic link on the way or at the end.
  int try_open(std::string_view relative, int flags, Fd& out) const noexcept;

  // Whether this open folder is one on which a file system is mounted.
  static bool is_mount_root(int folder) noexcept;

  // A folder to work in by the *at() calls, and which of its ancestors (and itself) were made on
  // the way, outermost first.
  struct Folder {
    Fd fd;  // O_RDONLY, so that it can be synced.
    std::vector<std::string> made;
  };
  // Opens a folder, making what is missing with `mode` (less the umask). With Sync::Each, what was
  // made is on disk when this returns; with Sync::Later the caller syncs the whole file system at
  // the end.
  enum class Sync { Each, Later };
  Result<Folder> make_folder(std::string_view relative, unsigned mode,
                             Sync sync = Sync::Each) const;
  // Removes folders that make_folder() made, as long as they are empty.
  void remove_made(const Folder& folder) const noexcept;

  // NotFound if the path by which the root was opened leads elsewhere by now: moved, deleted,
  // unmounted.
  Status check_in_place() const;

 private:
  ConfinedRoot(Fd fd, std::filesystem::path path, bool by_kernel)
      : fd_(std::move(fd)), path_(std::move(path)), by_kernel_(by_kernel) {}
  int open_by_component(std::string_view relative, int flags, Fd& out) const noexcept;

  Fd fd_;
  std::filesystem::path path_;  // Absolute, without links.
  bool by_kernel_;
};

// The error of a failed try_open(), in the words of a person who sees a folder.
Error open_error(int number, std::string_view what);

}  // namespace diaryx::filesystem
