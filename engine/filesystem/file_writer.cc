#include "engine/filesystem/file_writer.h"

#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace diaryx::filesystem {

Result<std::unique_ptr<FileWriter>> FileWriter::create(const ConfinedRoot& root,
                                                       const WorkspacePath& path) {
  DX_TRY(ConfinedRoot::Folder folder, root.make_folder(path.parent(), 0777));
  std::unique_ptr<FileWriter> writer(new FileWriter(root, path, std::move(folder)));
  std::string name = temporary_name();
  writer->fd_ = Fd(::openat(writer->folder_.fd.get(), name.c_str(),
                            O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666));
  if (!writer->fd_) return errno_error(errno, path.str() + ": write");
  writer->name_ = std::move(name);
  return writer;
}

FileWriter::~FileWriter() {
  if (!name_.empty()) {
    // If it stays after all, its name says what it is, and nothing takes it in.
    (void)::unlinkat(folder_.fd.get(), name_.c_str(), 0);
    root_.remove_made(folder_);
  } else if (!fd_) {
    root_.remove_made(folder_);
  }
}

Status FileWriter::write(std::string_view bytes) {
  hash_.add(as_bytes(bytes));
  return write_all(fd_.get(), bytes, path_.str() + ": write");
}

}  // namespace diaryx::filesystem
