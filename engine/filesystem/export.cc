#include "engine/filesystem/export.h"

#include <algorithm>
#include <cerrno>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/filesystem/export_entries.h"

namespace diaryx::filesystem {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kPieceBytes = 256U << 10U;
constexpr mode_t kDefaultMode = 0666;

// In the kernel where it can, without the octets passing through us.
Result<std::uint64_t> copy_octets(int from, int to, std::string_view shown) {
  std::uint64_t total = 0;
  for (;;) {
    const ssize_t n = ::copy_file_range(from, nullptr, to, nullptr, 1U << 30U, 0);
    if (n > 0) total += static_cast<std::uint64_t>(n);
    if (n == 0 && total > 0) return total;
    if (n == 0)
      break;  // Empty, or a file system that does not say how long its files are: read it.
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && (errno == ENOSPC || errno == EDQUOT || errno == EIO))
      return errno_error(errno, shown);
    if (n < 0) break;  // Not between these two file systems.
  }
  std::string piece(kPieceBytes, '\0');
  for (;;) {
    const ssize_t n = ::read(from, piece.data(), piece.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_error(errno, shown);
    if (n == 0) return total;
    DX_TRY_OK(write_all(to, std::string_view(piece).substr(0, static_cast<std::size_t>(n)), shown));
    total += static_cast<std::uint64_t>(n);
  }
}

bool is_inside(const fs::path& path, const fs::path& folder) {
  return std::mismatch(folder.begin(), folder.end(), path.begin(), path.end()).first ==
         folder.end();
}

// Neither may the export overwrite the workspace nor become notes of its own.
Status check_apart(const fs::path& target, const ExportSource& source) {
  if (source.tree == nullptr) return {};
  const fs::path& root = source.tree->root().path();
  if (is_inside(root, target)) {
    return Error{ErrorCode::NotAllowed, target.string() + ": contains the workspace",
                 "choose another folder"};
  }
  if (!is_inside(target, root)) return {};
  const fs::path relative = target.lexically_relative(root);
  const bool hidden = std::any_of(relative.begin(), relative.end(), [](const fs::path& part) {
    return part.string().starts_with('.');
  });
  if (hidden) return {};
  return Error{ErrorCode::NotAllowed,
               target.string() + ": is inside the workspace, and would become a part of it",
               "choose another folder"};
}

class FolderExport {
 public:
  FolderExport(ConfinedRoot root, const ExportSource& source, bool force)
      : root_(std::move(root)), source_(source), force_(force) {}

  Status write(const ExportEntry& entry) {
    const std::string& shown = entry.path->str();
    if (entry.bytes != nullptr) {
      DX_TRY(const mode_t mode, mode_in_workspace(*entry.path));
      return place(*entry.path, mode, [&](int fd) -> Result<std::uint64_t> {
        DX_TRY_OK(write_all(fd, *entry.bytes, shown));
        return std::uint64_t{entry.bytes->size()};
      });
    }
    Result<OpenFile> file = source_.tree->open_file(*entry.path);
    if (!file) {
      report_.skipped.push_back({shown, file.error().message});
      return {};
    }
    return place(*entry.path, file->found.st_mode & 0777,
                 [&](int fd) { return copy_octets(file->fd.get(), fd, shown); });
  }

  Status sync() const {
    if (::syncfs(root_.fd()) != 0) return errno_error(errno, root_.path().string());
    return {};
  }

  void undo() noexcept {
    for (auto it = made_.rbegin(); it != made_.rend(); ++it) {
      const std::size_t slash = it->rfind('/');
      Fd folder;
      const std::string_view parent =
          std::string_view(*it).substr(0, slash == std::string::npos ? 0 : slash);
      if (root_.try_open(parent, O_PATH | O_DIRECTORY, folder) != 0) continue;
      const std::string name = it->substr(slash == std::string::npos ? 0 : slash + 1);
      // Folders among them are empty by now, unless somebody else put something in.
      if (::unlinkat(folder.get(), name.c_str(), 0) != 0)
        (void)::unlinkat(folder.get(), name.c_str(), AT_REMOVEDIR);
    }
  }

  ExportReport take_report() { return std::move(report_); }

 private:
  Result<mode_t> mode_in_workspace(const WorkspacePath& path) const {
    if (source_.tree == nullptr) return kDefaultMode;
    Result<OpenFile> file = source_.tree->open_file(path);
    // Not on disk yet, or not to be read: then it is a file like any new one.
    return file ? file->found.st_mode & 0777 : kDefaultMode;
  }

  // The entries come in the order of paths: mostly the folder is the last one again.
  Status enter(std::string_view parent) {
    if (folder_.fd && parent == folder_path_) return {};
    DX_TRY(folder_, root_.make_folder(parent, 0777, ConfinedRoot::Sync::Later));
    folder_path_ = parent;
    made_.insert(made_.end(), folder_.made.begin(), folder_.made.end());
    return {};
  }

  template <class Fill>
  Status place(const WorkspacePath& path, mode_t mode, const Fill& fill) {
    const std::string& shown = path.str();
    DX_TRY_OK(enter(path.parent()));
    const int folder = folder_.fd.get();
    const std::string making = temporary_name();
    const Fd fd(::openat(folder, making.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                         kDefaultMode));
    if (!fd) return errno_error(errno, shown);
    const auto work = [&]() -> Status {
      DX_TRY(const std::uint64_t bytes, fill(fd.get()));
      if (mode != kDefaultMode && ::fchmod(fd.get(), mode) != 0) return errno_error(errno, shown);
      const std::string name(path.name());
      const int number = !force_ ? rename_exclusive(folder, making.c_str(), folder, name.c_str())
                         : ::renameat(folder, making.c_str(), folder, name.c_str()) == 0 ? 0
                                                                                         : errno;
      if (number != 0) return open_error(number, shown);
      report_.bytes += bytes;
      ++report_.files;
      made_.push_back(shown);
      return {};
    };
    Status done = work();
    if (!done) (void)::unlinkat(folder, making.c_str(), 0);  // The first error is the one to tell.
    return done;
  }

  ConfinedRoot root_;
  const ExportSource& source_;
  bool force_;
  ConfinedRoot::Folder folder_;
  std::string folder_path_;
  std::vector<std::string> made_;  // Files and folders, in the order in which they were made.
  ExportReport report_;
};

}  // namespace

std::vector<ExportEntry> export_entries(const ExportSource& source) {
  DX_CHECK(source.others.empty() || source.tree != nullptr);
  std::vector<ExportEntry> entries;
  entries.reserve(source.files.size() + source.others.size());
  for (const auto& [path, bytes] : source.files) entries.push_back({&path, &bytes});
  for (const WorkspacePath& path : source.others) {
    if (source.files.find(path) == source.files.end()) entries.push_back({&path, nullptr});
  }
  std::sort(entries.begin(), entries.end(),
            [](const ExportEntry& a, const ExportEntry& b) { return *a.path < *b.path; });
  const auto same = [](const ExportEntry& a, const ExportEntry& b) { return *a.path == *b.path; };
  entries.erase(std::unique(entries.begin(), entries.end(), same), entries.end());
  return entries;
}

Result<ExportReport> export_to_folder(const fs::path& target, const ExportSource& source,
                                      const FolderExportOptions& options) {
  std::error_code error;
  const fs::path real = fs::weakly_canonical(fs::absolute(target, error), error);
  if (error) return errno_error(error.value(), target.string());
  DX_TRY_OK(check_apart(real, source));
  const bool existed = fs::exists(real, error);
  if (!existed) fs::create_directories(real, error);
  if (error) return errno_error(error.value(), target.string());
  DX_TRY(ConfinedRoot root, ConfinedRoot::open(real));
  const bool empty = fs::is_empty(real, error);
  if (error) return errno_error(error.value(), target.string());
  if (!empty && !options.force) {
    return Error{ErrorCode::AlreadyExists, target.string() + ": the folder is not empty",
                 "choose an empty folder, or --force to write over what is there"};
  }

  FolderExport work(std::move(root), source, options.force);
  Status done;
  for (const ExportEntry& entry : export_entries(source)) {
    done = work.write(entry);
    if (!done) break;
  }
  if (done) done = work.sync();
  if (!done) {
    if (!options.force) {
      work.undo();
      std::error_code ignored;  // What cannot be removed was not empty.
      if (!existed) fs::remove(real, ignored);
    }
    return std::move(done).error().with(target.string());
  }
  return work.take_report();
}

}  // namespace diaryx::filesystem
