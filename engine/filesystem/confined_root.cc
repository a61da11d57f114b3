#include "engine/filesystem/confined_root.h"

#include <algorithm>
#include <cerrno>
#include <system_error>

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace diaryx::filesystem {
namespace {

namespace fs = std::filesystem;

int open_in_kernel(int root, const char* relative, int flags, Fd& out) noexcept {
  struct open_how how {};
  how.flags = static_cast<std::uint64_t>(flags);
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  for (;;) {
    const long fd = ::syscall(SYS_openat2, root, relative, &how, sizeof how);
    if (fd >= 0) {
      out = Fd(static_cast<int>(fd));
      return 0;
    }
    // EAGAIN: something on the way was renamed meanwhile.
    if (errno != EINTR && errno != EAGAIN) return errno;
  }
}

// A symbolic link where a folder should be gives ENOTDIR: O_PATH | O_NOFOLLOW opens the link
// itself.
int refine(int folder, const char* name, int number) noexcept {
  struct stat found {};
  if (number == ENOTDIR && ::fstatat(folder, name, &found, AT_SYMLINK_NOFOLLOW) == 0 &&
      S_ISLNK(found.st_mode)) {
    return ELOOP;
  }
  return number;
}

int open_one(int folder, const char* name, int flags, Fd& out) noexcept {
  for (;;) {
    Fd fd(::openat(folder, name, flags | O_NOFOLLOW | O_CLOEXEC));
    if (fd) {
      out = std::move(fd);
      return 0;
    }
    if (errno != EINTR) return refine(folder, name, errno);
  }
}

// The part of `path` before its first "/"; `path` keeps what follows.
std::string next_component(std::string_view& path) {
  const std::size_t slash = std::min(path.find('/'), path.size());
  std::string component(path.substr(0, slash));
  path.remove_prefix(std::min(slash + 1, path.size()));
  return component;
}

}  // namespace

Error open_error(int number, std::string_view what) {
  if (number == ELOOP)
    return Error{ErrorCode::NotAllowed,
                 std::string(what) + ": a symbolic link, which is not followed"};
  if (number == ENOTDIR)
    return Error{ErrorCode::NotAllowed, std::string(what) + ": a file is where a folder should be"};
  return errno_error(number, what);
}

Result<ConfinedRoot> ConfinedRoot::open(const fs::path& root, Resolve resolve) {
  std::error_code error;
  fs::path real = fs::canonical(root, error);
  if (error) return errno_error(error.value(), root.string());
  Fd fd(::open(real.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return open_error(errno, root.string());
  Fd probe;
  // Kernels before 5.6 do not know it, and some sandboxes refuse it.
  const bool by_kernel =
      resolve == Resolve::Auto &&
      open_in_kernel(fd.get(), ".", O_PATH | O_DIRECTORY | O_CLOEXEC, probe) == 0;
  return ConfinedRoot(std::move(fd), std::move(real), by_kernel);
}

int ConfinedRoot::try_open(std::string_view relative, int flags, Fd& out) const noexcept {
  if (relative.empty()) return open_one(fd_.get(), ".", flags, out);
  if (!by_kernel_) return open_by_component(relative, flags, out);
  const std::string terminated(relative);
  return open_in_kernel(fd_.get(), terminated.c_str(), flags | O_NOFOLLOW | O_CLOEXEC, out);
}

int ConfinedRoot::open_by_component(std::string_view relative, int flags, Fd& out) const noexcept {
  Fd holder;
  int folder = fd_.get();
  for (;;) {
    const std::string component = next_component(relative);
    if (relative.empty()) return open_one(folder, component.c_str(), flags, out);
    Fd next;
    if (const int number = open_one(folder, component.c_str(), O_PATH | O_DIRECTORY, next);
        number != 0)
      return number;
    holder = std::move(next);
    folder = holder.get();
  }
}

Result<ConfinedRoot::Folder> ConfinedRoot::make_folder(std::string_view relative, unsigned mode,
                                                       Sync sync) const {
  Folder folder;
  constexpr int kFolderFlags = O_RDONLY | O_DIRECTORY;
  int number = try_open(relative, kFolderFlags, folder.fd);
  if (number == 0) return folder;
  if (number != ENOENT) return open_error(number, relative);

  Fd at;
  if (number = try_open("", O_PATH | O_DIRECTORY, at); number != 0)
    return open_error(number, path_.string());
  const auto give_up = [&](int why, std::size_t end) {
    remove_made(folder);
    return open_error(why, relative.substr(0, end));
  };
  std::string_view left = relative;
  while (!left.empty()) {
    const std::string name = next_component(left);
    const std::size_t end = relative.size() - left.size() - (left.empty() ? 0 : 1);
    Fd next;
    number = open_one(at.get(), name.c_str(), O_PATH | O_DIRECTORY, next);
    if (number == ENOENT) {
      if (::mkdirat(at.get(), name.c_str(), mode) == 0) {
        folder.made.emplace_back(relative.substr(0, end));
        Fd parent;
        if (number = open_one(at.get(), ".", kFolderFlags, parent); number != 0)
          return give_up(number, end);
        if (sync == Sync::Each && ::fsync(parent.get()) != 0) return give_up(errno, end);
      } else if (errno != EEXIST) {  // Somebody else may have made it just now.
        return give_up(errno, end);
      }
      number = open_one(at.get(), name.c_str(), O_PATH | O_DIRECTORY, next);
    }
    if (number != 0) return give_up(number, end);
    at = std::move(next);
  }
  if (number = open_one(at.get(), ".", kFolderFlags, folder.fd); number != 0)
    return give_up(number, relative.size());
  return folder;
}

void ConfinedRoot::remove_made(const Folder& folder) const noexcept {
  for (auto it = folder.made.rbegin(); it != folder.made.rend(); ++it) {
    const std::size_t slash = it->rfind('/');
    Fd parent;
    const std::string_view parent_path =
        slash == std::string::npos ? std::string_view() : std::string_view(*it).substr(0, slash);
    if (try_open(parent_path, O_PATH | O_DIRECTORY, parent) != 0) return;
    const std::string name = slash == std::string::npos ? *it : it->substr(slash + 1);
    // Somebody may have put something into it: then it stays.
    if (::unlinkat(parent.get(), name.c_str(), AT_REMOVEDIR) != 0) return;
  }
}

bool ConfinedRoot::is_mount_root(int folder) noexcept {
  struct statx seen {};
  if (::statx(folder, "", AT_EMPTY_PATH, STATX_INO, &seen) == 0 &&
      (seen.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT) != 0)
    return (seen.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
  // Linux before 5.8 does not say. What is mounted from the same file system is not told then.
  struct stat here {};
  struct stat above {};
  return ::fstat(folder, &here) == 0 && ::fstatat(folder, "..", &above, 0) == 0 &&
         here.st_dev != above.st_dev;
}

Status ConfinedRoot::check_in_place() const {
  struct stat here {};
  struct stat there {};
  if (::fstat(fd_.get(), &here) != 0) return errno_error(errno, path_.string());
  if (::stat(path_.c_str(), &there) == 0 && here.st_dev == there.st_dev &&
      here.st_ino == there.st_ino)
    return {};
  return Error{ErrorCode::NotFound,
               path_.string() + ": the folder is no longer there: moved, deleted or unmounted"};
}

}  // namespace diaryx::filesystem
