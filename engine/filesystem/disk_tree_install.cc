// Large files of a DiskTree: put in place and taken away by what their stat says, because hashing
// them first would take as long as copying them.
#include <cerrno>

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "engine/filesystem/disk_tree.h"
#include "engine/filesystem/file_writer.h"

namespace diaryx::filesystem {
namespace {

bool is_as_seen(int folder, const char* name, const FileStat& seen) {
  struct stat found {};
  if (::fstatat(folder, name, &found, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(found.st_mode))
    return false;
  const FileStat now = to_file_stat(found);
  return now.inode == seen.inode && now.size == seen.size && now.mtime_ns == seen.mtime_ns;
}

Error changed(const WorkspacePath& path) {
  return Error{ErrorCode::Conflict, path.str() + ": another program changed the file"};
}

Status sync(int fd, const WorkspacePath& path) {
  if (::fsync(fd) != 0) return errno_error(errno, path.str() + ": write");
  return {};
}

bool cannot_exchange(int number) {
  return number == EINVAL || number == ENOSYS || number == EOPNOTSUPP;
}

}  // namespace

Result<std::unique_ptr<FileWriter>> DiskTree::start_file(const WorkspacePath& path) const {
  return FileWriter::create(root_, path);
}

Result<FileStat> DiskTree::install(FileWriter& writer, const std::optional<FileStat>& seen) {
  const WorkspacePath& path = writer.path_;
  const int folder = writer.folder_.fd.get();
  const std::string name(path.name());
  DX_TRY_OK(sync(writer.fd_.get(), path));
  if (!seen) {
    const int number = rename_exclusive(folder, writer.name_.c_str(), folder, name.c_str());
    if (number == EEXIST)
      return Error{ErrorCode::Conflict, path.str() + ": there is a file of this name already"};
    if (number != 0) return errno_error(number, path.str());
    writer.name_.clear();
  } else {
    DX_TRY_OK(install_over(writer, name, *seen));
  }
  DX_TRY_OK(sync(folder, path));
  struct stat fresh {};
  if (::fstat(writer.fd_.get(), &fresh) != 0) return errno_error(errno, path.str());
  return to_file_stat(fresh);
}

Status DiskTree::install_over(FileWriter& writer, const std::string& name, const FileStat& seen) {
  const WorkspacePath& path = writer.path_;
  const int folder = writer.folder_.fd.get();
  // Renaming needs no right to the file itself, but a person who made a file read-only meant it.
  if (::faccessat(folder, name.c_str(), W_OK, AT_EACCESS) != 0 && errno != ENOENT)
    return Error{ErrorCode::NotAllowed, path.str() + ": the file is read-only"};
  if (::fchmod(writer.fd_.get(), seen.mode & 0777U) != 0) return errno_error(errno, path.str());
  if (!is_as_seen(folder, name.c_str(), seen)) return changed(path);
  if (::renameat2(folder, writer.name_.c_str(), folder, name.c_str(), RENAME_EXCHANGE) == 0) {
    // What we hold under the temporary name is the old file now: a moment ago it may have become
    // another.
    if (!is_as_seen(folder, writer.name_.c_str(), seen)) {
      if (::renameat2(folder, writer.name_.c_str(), folder, name.c_str(), RENAME_EXCHANGE) != 0)
        writer.name_.clear();  // Not ours to remove.
      return changed(path);
    }
    const std::string old = std::exchange(writer.name_, {});
    DX_TRY(const std::string trashed, trash_entry(folder, old, path.str(), nullptr, &name));
    return {};
  }
  if (!cannot_exchange(errno))
    return errno == ENOENT ? changed(path) : errno_error(errno, path.str());
  DX_TRY(const std::string trashed, trash_entry(folder, name, path.str(), nullptr));
  const int number = rename_exclusive(folder, writer.name_.c_str(), folder, name.c_str());
  if (number == EEXIST) return changed(path);
  if (number != 0) return errno_error(number, path.str());
  writer.name_.clear();
  return {};
}

Result<std::string> DiskTree::trash_seen(const WorkspacePath& path, const FileStat& seen) {
  const std::string name(path.name());
  Fd folder;
  const int number = root_.try_open(path.parent(), O_RDONLY | O_DIRECTORY, folder);
  if (number != 0) return open_error(number, path.str());
  if (!is_as_seen(folder.get(), name.c_str(), seen)) return changed(path);
  // Whatever came between the look and the rename is in the trash whole, where a person finds it.
  return trash_entry(folder.get(), name, path.str(), nullptr);
}

}  // namespace diaryx::filesystem
