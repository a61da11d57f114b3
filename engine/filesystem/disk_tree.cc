#include "engine/filesystem/disk_tree.h"

#include <array>
#include <cerrno>
#include <ctime>
#include <tuple>

#include <fcntl.h>
#include <fmt/format.h>
#include <stdio.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/log.h"
#include "engine/base/random.h"

namespace diaryx::filesystem {
namespace {

constexpr std::string_view kTrash = ".diaryx/trash";
constexpr int kReadTries = 3;

// "20240229T235959Z-k3x9qd7m": sorts by time, and two in one second differ.
std::string trash_stamp() {
  const auto seconds = static_cast<std::time_t>(SystemClock().wall_ms() / 1000);
  std::tm utc{};
  (void)::gmtime_r(&seconds,
                   &utc);  // Fails only for years beyond what tm holds; then it stays 1900.
  SystemRandom random;
  return fmt::format("{:04}{:02}{:02}T{:02}{:02}{:02}Z-{}", utc.tm_year + 1900, utc.tm_mon + 1,
                     utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
                     random.text(8, "abcdefghijklmnopqrstuvwxyz0123456789"));
}

std::string_view parent_of(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return path.substr(0, slash == std::string_view::npos ? 0 : slash);
}

Status need_hash(const Expected& expected, std::string_view shown) {
  if (expected.hash) return {};
  return Error{ErrorCode::InvalidArgument,
               std::string(shown) + ": a file to be moved must be expected to exist"};
}

bool same_moment(const struct stat& a, const struct stat& b) {
  return a.st_size == b.st_size && a.st_mtim.tv_sec == b.st_mtim.tv_sec &&
         a.st_mtim.tv_nsec == b.st_mtim.tv_nsec;
}

bool is_later(const struct timespec& a, const struct timespec& b) {
  return std::tie(a.tv_sec, a.tv_nsec) > std::tie(b.tv_sec, b.tv_nsec);
}

Status sync_folder(int folder, std::string_view shown) {
  if (::fsync(folder) != 0) return errno_error(errno, fmt::format("{}: sync of its folder", shown));
  return {};
}

}  // namespace

DiskTree::DiskTree(ConfinedRoot root, Options options)
    : root_(std::move(root)), options_(std::move(options)) {
  // Files may be stamped by a clock that is a few milliseconds behind this one, never before it: a
  // moment later the first own file can be told from what was there.
  (void)::clock_gettime(CLOCK_REALTIME, &opened_);  // Every Linux has that clock.
}

Result<std::unique_ptr<DiskTree>> DiskTree::open(const std::filesystem::path& root) {
  return open(root, Options{});
}

Result<std::unique_ptr<DiskTree>> DiskTree::open(const std::filesystem::path& root,
                                                 Options options) {
  DX_TRY(ConfinedRoot confined, ConfinedRoot::open(root, options.resolve));
  return std::unique_ptr<DiskTree>(new DiskTree(std::move(confined), std::move(options)));
}

Result<OpenFile> DiskTree::open_file(const WorkspacePath& path) const {
  Fd folder;
  const int number = root_.try_open(path.parent(), O_PATH | O_DIRECTORY, folder);
  if (number != 0) return open_error(number, path.str());
  DX_TRY(std::optional<OpenFile> file,
         open_regular(folder.get(), std::string(path.name()), path.str()));
  if (!file) return errno_error(ENOENT, path.str());
  return std::move(*file);
}

Result<FileContent> DiskTree::read(const WorkspacePath& path, std::uint64_t max_bytes) {
  const Result<OpenFile> opened = open_file(path);
  if (!opened) {
    // Not found is not deleted, if all the rest is gone too.
    if (opened.error().code == ErrorCode::NotFound) {
      if (const Status there = root_.check_in_place(); !there)
        return Error{ErrorCode::Io, there.error().message};
    }
    return opened.error();
  }
  const OpenFile& file = *opened;
  struct stat before = file.found;
  for (int tries = 1;; ++tries) {
    DX_TRY(std::string bytes, read_whole(file.fd.get(), static_cast<std::uint64_t>(before.st_size),
                                         max_bytes, path.str()));
    struct stat after {};
    if (::fstat(file.fd.get(), &after) != 0) return errno_error(errno, path.str());
    // Written to while we read: one half may be old, the other new. Somebody who never stops is not
    // waited for; the stat from before the reading tells the caller later that there is more.
    if (tries == kReadTries || same_moment(before, after))
      return FileContent{std::move(bytes), to_file_stat(before), is_being_written(file.fd.get())};
    before = after;
  }
}

Result<FileContent> DiskTree::read_piece(const WorkspacePath& path, std::uint64_t offset,
                                         std::size_t most) {
  DX_TRY(const OpenFile file, open_file(path));
  FileContent piece{std::string(most, '\0'), to_file_stat(file.found)};
  std::size_t got = 0;
  while (got < most) {
    const ssize_t n = ::pread(file.fd.get(), piece.bytes.data() + got, most - got,
                              static_cast<off_t>(offset + got));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_error(errno, path.str());
    if (n == 0) break;
    got += static_cast<std::size_t>(n);
  }
  piece.bytes.resize(got);
  return piece;
}

Result<std::optional<bool>> DiskTree::is_mount_point(const std::string& folder) {
  Fd fd;
  const int number = root_.try_open(folder, O_RDONLY | O_DIRECTORY, fd);
  if (number == ENOENT || number == ENOTDIR) return std::optional<bool>();
  if (number != 0) return open_error(number, folder);
  return std::optional(ConfinedRoot::is_mount_root(fd.get()));
}

Result<std::optional<FileStat>> DiskTree::stat(const WorkspacePath& path) {
  Fd folder;
  const int number = root_.try_open(path.parent(), O_PATH | O_DIRECTORY, folder);
  if (number == ENOENT) return std::optional<FileStat>();
  if (number != 0) return open_error(number, path.str());
  struct stat found {};
  const std::string name(path.name());
  if (::fstatat(folder.get(), name.c_str(), &found, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return std::optional<FileStat>();
    return errno_error(errno, path.str());
  }
  if (!S_ISREG(found.st_mode))
    return Error{ErrorCode::NotAllowed, path.str() + ": not a regular file"};
  return std::optional<FileStat>(to_file_stat(found));
}

Result<FileStat> DiskTree::replace(const WorkspacePath& path, std::string_view bytes,
                                   const Expected& expected) {
  const std::string name(path.name());
  if (!expected.hash) {
    DX_TRY(const ConfinedRoot::Folder folder, root_.make_folder(path.parent(), 0777));
    Result<FileStat> done =
        replace_file(folder.fd.get(), name, bytes, expected, path.str(), options_.before_step);
    if (!done) root_.remove_made(folder);
    return done;
  }
  Fd folder;
  const int number = root_.try_open(path.parent(), O_RDONLY | O_DIRECTORY, folder);
  if (number == ENOENT)
    return Error{ErrorCode::Conflict, path.str() + ": another program removed the file"};
  if (number != 0) return open_error(number, path.str());
  return replace_file(folder.get(), name, bytes, expected, path.str(), options_.before_step);
}

Result<std::string> DiskTree::trash(const WorkspacePath& path, const Expected& expected) {
  DX_TRY_OK(need_hash(expected, path.str()));
  Fd folder;
  const int number = root_.try_open(path.parent(), O_RDONLY | O_DIRECTORY, folder);
  if (number == ENOENT)
    return Error{ErrorCode::Conflict, path.str() + ": another program removed the file"};
  if (number != 0) return open_error(number, path.str());
  return trash_entry(folder.get(), std::string(path.name()), path.str(), &expected);
}

// `expected` null: whatever it is. `as` null: under its own name.
Result<std::string> DiskTree::trash_entry(int folder, const std::string& name,
                                          std::string_view shown, const Expected* expected,
                                          const std::string* as) {
  const StepHook& hook = options_.before_step;
  const auto step = [&](std::string_view what) {
    if (hook) hook(what);
  };
  step("check");
  if (expected != nullptr) {
    if (auto as_expected = check_expected(folder, name, *expected, shown); !as_expected) {
      return std::move(as_expected).error();
    }
  }
  std::string trashed = fmt::format("{}/{}", trash_stamp(), shown);
  const std::string below_root = fmt::format("{}/{}", kTrash, trashed);
  // Private: it holds what others may not have been allowed to read.
  Result<ConfinedRoot::Folder> made = root_.make_folder(parent_of(below_root), 0700);
  if (!made) return std::move(made).error().with(fmt::format("{}: move to the trash", shown));
  const ConfinedRoot::Folder& target = *made;
  step("rename");
  const int number = rename_exclusive(folder, name.c_str(), target.fd.get(),
                                      as != nullptr ? as->c_str() : name.c_str());
  if (number != 0) {
    root_.remove_made(target);
    if (number == ENOENT)
      return Error{ErrorCode::Conflict, std::string(shown) + ": another program removed the file"};
    return errno_error(number, fmt::format("{}: move to the trash", shown));
  }
  step("check the old");
  if (expected != nullptr) {
    if (auto as_expected = check_expected(target.fd.get(), name, *expected, shown); !as_expected) {
      // Changed in the moment before the rename. If its place is taken by now, it is safe in the
      // trash.
      if (rename_exclusive(target.fd.get(), name.c_str(), folder, name.c_str()) == 0)
        root_.remove_made(target);
      return std::move(as_expected).error();
    }
  }
  step("sync folder");
  DX_TRY_OK(sync_folder(target.fd.get(), shown));
  DX_TRY_OK(sync_folder(folder, shown));
  return trashed;
}

Status DiskTree::move(const WorkspacePath& from, const WorkspacePath& to,
                      const Expected& expected) {
  DX_TRY_OK(need_hash(expected, from.str()));
  const auto step = [&](std::string_view what) {
    if (options_.before_step) options_.before_step(what);
  };
  const std::string from_name(from.name());
  const std::string to_name(to.name());
  Fd source;
  int number = root_.try_open(from.parent(), O_RDONLY | O_DIRECTORY, source);
  if (number == ENOENT)
    return Error{ErrorCode::Conflict, from.str() + ": another program removed the file"};
  if (number != 0) return open_error(number, from.str());
  step("check");
  DX_TRY(const std::optional<OpenFile> file,
         check_expected(source.get(), from_name, expected, from.str()));
  if (from == to) return {};
  DX_TRY(const ConfinedRoot::Folder target, root_.make_folder(to.parent(), 0777));
  step("rename");
  number = rename_exclusive(source.get(), from_name.c_str(), target.fd.get(), to_name.c_str());
  if (number == EEXIST && file->found.st_nlink == 1) {
    // Where case does not count, the other spelling of a name is the file itself.
    struct stat there {};
    const bool is_itself =
        ::fstatat(target.fd.get(), to_name.c_str(), &there, AT_SYMLINK_NOFOLLOW) == 0 &&
        there.st_dev == file->found.st_dev && there.st_ino == file->found.st_ino;
    if (is_itself) {
      number = ::renameat(source.get(), from_name.c_str(), target.fd.get(), to_name.c_str()) == 0
                   ? 0
                   : errno;
    }
  }
  if (number != 0) {
    root_.remove_made(target);
    if (number == EEXIST)
      return Error{ErrorCode::AlreadyExists,
                   to.str() + ": there is something of this name already"};
    if (number == ENOENT)
      return Error{ErrorCode::Conflict, from.str() + ": another program removed the file"};
    return errno_error(number, fmt::format("move {} to {}", from.str(), to.str()));
  }
  step("sync folder");
  DX_TRY_OK(sync_folder(target.fd.get(), to.str()));
  return sync_folder(source.get(), from.str());
}

void DiskTree::tidy() {
  const auto removed = remove_leftovers();
  if (!removed) {
    // A folder that may not be written to: that is no reason not to work.
    log(LogLevel::Warning, "disk", "an unfinished file stays: " + removed.error().message);
  } else if (*removed > 0) {
    log(LogLevel::Warning, "disk", "files that a crash left unfinished are in the trash now",
        {{"files", static_cast<std::int64_t>(*removed)}});
  }
}

Result<std::size_t> DiskTree::remove_leftovers() {
  std::size_t count = 0;
  for (const std::string& leftover : std::exchange(leftovers_, {})) {
    Fd folder;
    if (root_.try_open(parent_of(leftover), O_RDONLY | O_DIRECTORY, folder) != 0) continue;
    const std::string name = leftover.substr(leftover.rfind('/') + 1);
    // It may be the old text that a replacement had just displaced: nothing with octets in it is
    // deleted unseen.
    struct stat found {};
    if (::fstatat(folder.get(), name.c_str(), &found, AT_SYMLINK_NOFOLLOW) != 0) continue;
    // What came later is our own: an upload that is under way.
    if (is_later(found.st_ctim, opened_)) continue;
    if (S_ISREG(found.st_mode) && found.st_size == 0) {
      if (::unlinkat(folder.get(), name.c_str(), 0) != 0) return errno_error(errno, leftover);
    } else {
      DX_TRY(const std::string trashed, trash_entry(folder.get(), name, leftover, nullptr));
    }
    ++count;
  }
  return count;
}

}  // namespace diaryx::filesystem
