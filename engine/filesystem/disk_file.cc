#include "engine/filesystem/disk_file.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <stdio.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "engine/filesystem/confined_root.h"

namespace diaryx::filesystem {
namespace {

constexpr std::size_t kPieceBytes = 64U << 10U;

void step(const StepHook& hook, std::string_view name) {
  if (hook) hook(name);
}

Result<Sha256> hash_open_file(int fd, std::string_view shown) {
  Sha256Stream hash;
  std::vector<std::uint8_t> piece(kPieceBytes);
  off_t at = 0;
  for (;;) {
    const ssize_t n = ::pread(fd, piece.data(), piece.size(), at);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_error(errno, shown);
    if (n == 0) return hash.finish();
    hash.add({piece.data(), static_cast<std::size_t>(n)});
    at += n;
  }
}

const char* kind_of(mode_t mode) noexcept {
  if (S_ISDIR(mode)) return "a folder";
  if (S_ISLNK(mode)) return "a symbolic link, which is not followed";
  return "not a regular file";
}

// Tags, access lists and labels live in extended attributes. What cannot be copied is left out: the
// text counts more.
void copy_attributes(int from, int to) {
  std::array<char, 4096> names{};
  const ssize_t length = ::flistxattr(from, names.data(), names.size());
  std::vector<char> value;
  for (ssize_t at = 0; at < length;) {
    const std::string_view name(names.data() + at);
    at += static_cast<ssize_t>(name.size()) + 1;
    if (!name.starts_with("user.") && name != "system.posix_acl_access" &&
        name != "security.selinux")
      continue;
    const ssize_t size = ::fgetxattr(from, name.data(), nullptr, 0);
    if (size < 0) continue;
    value.resize(static_cast<std::size_t>(size));
    if (::fgetxattr(from, name.data(), value.data(), value.size()) != size) continue;
    (void)::fsetxattr(to, name.data(), value.data(), value.size(), 0);
  }
}

// The new file gets the old one's owner, group, permissions and attributes, as far as we may.
Status copy_metadata(const OpenFile& old, int to, std::string_view shown) {
  struct stat fresh {};
  if (::fstat(to, &fresh) != 0) return errno_error(errno, shown);
  mode_t mode = old.found.st_mode & 07777;
  if (fresh.st_uid != old.found.st_uid || fresh.st_gid != old.found.st_gid) {
    const bool whole = ::fchown(to, old.found.st_uid, old.found.st_gid) == 0;
    if (!whole && ::fchown(to, static_cast<uid_t>(-1), old.found.st_gid) != 0) {
      // Another group must not get what this one was allowed: it gets what everybody gets.
      mode = (mode & ~070U) | ((mode & 07U) << 3U);
    }
    if (!whole) mode &= ~static_cast<mode_t>(S_ISUID | S_ISGID);
  }
  if (::fchmod(to, mode) != 0) return errno_error(errno, shown);
  copy_attributes(old.fd.get(), to);
  return {};
}

// A file with a temporary name, removed when destroyed.
class TemporaryFile {
 public:
  static Result<TemporaryFile> create(int folder, mode_t mode, std::string_view shown) {
    std::string name = temporary_name();
    Fd fd(::openat(folder, name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode));
    if (!fd) return errno_error(errno, fmt::format("{}: write", shown));
    return TemporaryFile(folder, std::move(name), std::move(fd));
  }
  TemporaryFile(TemporaryFile&& other) noexcept
      : folder_(other.folder_), name_(std::exchange(other.name_, {})), fd_(std::move(other.fd_)) {}
  TemporaryFile& operator=(TemporaryFile&&) = delete;
  ~TemporaryFile() {
    // If it stays after all, the next start finds it.
    if (!name_.empty()) (void)::unlinkat(folder_, name_.c_str(), 0);
  }
  int fd() const { return fd_.get(); }
  const char* name() const { return name_.c_str(); }
  // The name belongs to somebody else now.
  void release() { name_.clear(); }

 private:
  TemporaryFile(int folder, std::string name, Fd fd)
      : folder_(folder), name_(std::move(name)), fd_(std::move(fd)) {}
  int folder_;
  std::string name_;
  Fd fd_;
};

Error changed_meanwhile(std::string_view shown) {
  return Error{ErrorCode::Conflict, std::string(shown) + ": another program changed the file"};
}

Error open_elsewhere(std::string_view shown) {
  return Error{ErrorCode::Busy, std::string(shown) + ": another program has it open for writing"};
}

// After an exchange that displaced something unexpected: puts it back. `temporary` has its name
// now.
Error put_back(int folder, const std::string& name, TemporaryFile& temporary,
               std::string_view shown) {
  struct stat ours {};
  struct stat there {};
  const bool known = ::fstat(temporary.fd(), &ours) == 0;
  if (::renameat2(folder, temporary.name(), folder, name.c_str(), RENAME_EXCHANGE) != 0 &&
      rename_exclusive(folder, temporary.name(), folder, name.c_str()) != 0) {
    const std::string kept = temporary.name();
    temporary.release();
    return Error{
        ErrorCode::Conflict,
        fmt::format("{}: another program changed the file; its text is in {}", shown, kept)};
  }
  // Yet another change may have come between the two exchanges: then what we hold is not ours to
  // delete.
  const bool is_ours = known &&
                       ::fstatat(folder, temporary.name(), &there, AT_SYMLINK_NOFOLLOW) == 0 &&
                       ours.st_dev == there.st_dev && ours.st_ino == there.st_ino;
  if (!is_ours) temporary.release();
  return changed_meanwhile(shown);
}

Status install_new(int folder, const std::string& name, TemporaryFile& temporary,
                   std::string_view shown) {
  const int number = rename_exclusive(folder, temporary.name(), folder, name.c_str());
  if (number == EEXIST)
    return Error{ErrorCode::Conflict, std::string(shown) + ": another program made this file"};
  if (number != 0) return errno_error(number, shown);
  temporary.release();
  return {};
}

Status install_over(int folder, const std::string& name, TemporaryFile& temporary,
                    const Expected& expected, std::string_view shown, const StepHook& hook) {
  if (::renameat2(folder, temporary.name(), folder, name.c_str(), RENAME_EXCHANGE) == 0) {
    step(hook, "check the old");
    auto displaced = check_expected(folder, temporary.name(), expected, shown);
    if (!displaced) return put_back(folder, name, temporary, shown);
    if (*displaced && is_being_written((*displaced)->fd.get())) {
      (void)put_back(folder, name, temporary, shown);
      return open_elsewhere(shown);
    }
    return {};  // The destructor of `temporary` removes the old file.
  }
  if (errno == ENOENT) return changed_meanwhile(shown);
  if (errno != EINVAL && errno != ENOSYS && errno != EOPNOTSUPP) return errno_error(errno, shown);
  if (::renameat(folder, temporary.name(), folder, name.c_str()) != 0)
    return errno_error(errno, shown);
  temporary.release();
  return {};
}

}  // namespace

FileStat to_file_stat(const struct stat& found) noexcept {
  FileStat stat;
  stat.size = static_cast<std::uint64_t>(found.st_size);
  stat.mtime_ns =
      static_cast<std::int64_t>(found.st_mtim.tv_sec) * 1'000'000'000 + found.st_mtim.tv_nsec;
  stat.inode = found.st_ino;
  stat.mode = found.st_mode & 07777;
  return stat;
}

Result<std::optional<OpenFile>> open_regular(int folder, const std::string& name,
                                             std::string_view shown) {
  // Looked at before it is opened: opening a pipe or a device may do something.
  struct stat found {};
  if (::fstatat(folder, name.c_str(), &found, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return std::optional<OpenFile>();
    return errno_error(errno, shown);
  }
  const auto refuse = [&] {
    return Error{ErrorCode::NotAllowed, fmt::format("{}: {}", shown, kind_of(found.st_mode))};
  };
  if (!S_ISREG(found.st_mode)) return refuse();
  OpenFile file;
  file.fd =
      Fd(::openat(folder, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!file.fd) {
    if (errno == ENOENT) return std::optional<OpenFile>();
    return open_error(errno, shown);
  }
  if (::fstat(file.fd.get(), &file.found) != 0) return errno_error(errno, shown);
  found = file.found;
  if (!S_ISREG(found.st_mode)) return refuse();
  return std::optional<OpenFile>(std::move(file));
}

Result<std::string> read_whole(int fd, std::uint64_t size_hint, std::uint64_t max_bytes,
                               std::string_view shown) {
  const auto too_large = [&](std::uint64_t size) {
    return Error{ErrorCode::LimitExceeded,
                 fmt::format("{}: {} octets, at most {}", shown, size, max_bytes)};
  };
  if (size_hint > max_bytes) return too_large(size_hint);
  std::string bytes(size_hint, '\0');
  std::size_t have = 0;
  for (;;) {
    // One octet more than expected tells the end of the file from a file that grew.
    if (have == bytes.size()) bytes.resize(have + (have == size_hint ? 1 : kPieceBytes));
    const ssize_t n =
        ::pread(fd, bytes.data() + have, bytes.size() - have, static_cast<off_t>(have));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_error(errno, shown);
    if (n == 0) break;
    have += static_cast<std::size_t>(n);
    if (have > max_bytes) return too_large(have);
  }
  bytes.resize(have);
  return bytes;
}

Result<std::optional<OpenFile>> check_expected(int folder, const std::string& name,
                                               const Expected& expected, std::string_view shown) {
  DX_TRY(std::optional<OpenFile> file, open_regular(folder, name, shown));
  if (!expected.hash) {
    if (file)
      return Error{ErrorCode::Conflict,
                   std::string(shown) + ": there is a file of this name already"};
    return file;
  }
  if (!file)
    return Error{ErrorCode::Conflict, std::string(shown) + ": another program removed the file"};
  DX_TRY(const Sha256 hash, hash_open_file(file->fd.get(), shown));
  if (hash != *expected.hash) return changed_meanwhile(shown);
  return file;
}

bool is_being_written(int fd) noexcept {
  // Somebody who opens the file in the moment that we hold the lease waits for us to give it back,
  // and we get a signal: one that does nothing unless it is caught.
  if (::fcntl(fd, F_SETSIG, SIGURG) != 0) return false;
  if (::fcntl(fd, F_SETLEASE, F_RDLCK) != 0) return errno == EAGAIN;
  (void)::fcntl(fd, F_SETLEASE, F_UNLCK);
  return false;
}

int rename_exclusive(int from_folder, const char* from, int to_folder, const char* to) noexcept {
  if (::renameat2(from_folder, from, to_folder, to, RENAME_NOREPLACE) == 0) return 0;
  if (errno != EINVAL && errno != ENOSYS && errno != EOPNOTSUPP) return errno;
  // A hard link does not replace either.
  if (::linkat(from_folder, from, to_folder, to, 0) == 0)
    return ::unlinkat(from_folder, from, 0) == 0 ? 0 : errno;
  if (errno != EPERM && errno != EOPNOTSUPP && errno != ENOSYS) return errno;
  // Neither is known here (FAT, some network file systems): looking first is the best there is.
  struct stat found {};
  if (::fstatat(to_folder, to, &found, AT_SYMLINK_NOFOLLOW) == 0) return EEXIST;
  return ::renameat(from_folder, from, to_folder, to) == 0 ? 0 : errno;
}

Result<FileStat> replace_file(int folder, const std::string& name, std::string_view bytes,
                              const Expected& expected, std::string_view shown,
                              const StepHook& hook) {
  step(hook, "check");
  DX_TRY(const std::optional<OpenFile> old, check_expected(folder, name, expected, shown));
  // Renaming needs no right to the file itself, but a person who made a file read-only meant it.
  if (old && ::faccessat(folder, name.c_str(), W_OK, AT_EACCESS) != 0) {
    return Error{ErrorCode::NotAllowed, std::string(shown) + ": the file is read-only"};
  }
  if (old && is_being_written(old->fd.get())) return open_elsewhere(shown);
  // A new file's permissions follow the umask; one that replaces another is private until it has
  // the old one's.
  step(hook, "create");
  DX_TRY(TemporaryFile temporary, TemporaryFile::create(folder, old ? 0600 : 0666, shown));
  step(hook, "write");
  DX_TRY_OK(write_all(temporary.fd(), bytes, fmt::format("{}: write", shown)));
  if (old) DX_TRY_OK(copy_metadata(*old, temporary.fd(), shown));
  step(hook, "sync");
  if (::fsync(temporary.fd()) != 0) return errno_error(errno, fmt::format("{}: write", shown));
  step(hook, "check again");
  DX_TRY(const std::optional<OpenFile> still, check_expected(folder, name, expected, shown));
  step(hook, "rename");
  struct stat fresh {};
  {
    TemporaryFile installing = std::move(temporary);
    DX_TRY_OK(old ? install_over(folder, name, installing, expected, shown, hook)
                  : install_new(folder, name, installing, shown));
    if (::fstat(installing.fd(), &fresh) != 0) return errno_error(errno, shown);
    step(hook, "remove the old");
  }
  step(hook, "sync folder");
  if (::fsync(folder) != 0) return errno_error(errno, fmt::format("{}: sync of its folder", shown));
  return to_file_stat(fresh);
}

}  // namespace diaryx::filesystem
