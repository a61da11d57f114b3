// DiskTree::list(): the walk over all folders of the workspace.
#include <algorithm>
#include <cerrno>
#include <memory>
#include <utility>

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>

#include "engine/filesystem/disk_tree.h"

namespace diaryx::filesystem {
namespace {

struct CloseDir {
  void operator()(DIR* dir) const noexcept { (void)::closedir(dir); }
};
using DirHandle = std::unique_ptr<DIR, CloseDir>;

bool is_markdown_name(std::string_view name) {
  if (name.size() < 3) return false;
  const std::string_view end = name.substr(name.size() - 3);
  return end[0] == '.' && (end[1] == 'm' || end[1] == 'M') && (end[2] == 'd' || end[2] == 'D');
}

// "path: control character" → "control character".
std::string reason_of(const Error& error) {
  constexpr std::string_view kPrefix = "path: ";
  return error.message.starts_with(kPrefix) ? error.message.substr(kPrefix.size()) : error.message;
}

unsigned char type_of(mode_t mode) {
  if (S_ISREG(mode)) return DT_REG;
  if (S_ISDIR(mode)) return DT_DIR;
  if (S_ISLNK(mode)) return DT_LNK;
  return DT_UNKNOWN;
}

}  // namespace

// One walk. Folders wait in a list rather than on the stack: a deep tree costs neither stack nor
// descriptors.
struct DiskTree::Walk {
  explicit Walk(const ConfinedRoot& confined) : root(confined) {}

  const ConfinedRoot& root;
  Listing listing;
  std::vector<std::string> folders{""};
  std::vector<std::string> leftovers;

  void skip(std::string path, std::string reason) {
    listing.skipped.push_back({std::move(path), std::move(reason)});
  }

  void add_file(std::string path, std::string_view name, const struct stat& found) {
    Result<WorkspacePath> parsed = WorkspacePath::parse(path);
    if (!parsed) return skip(std::move(path), reason_of(parsed.error()));
    if (is_markdown_name(name) && static_cast<std::uint64_t>(found.st_size) > kMaxNoteBytes) {
      return skip(std::move(path), fmt::format("larger than {} MiB", kMaxNoteBytes >> 20U));
    }
    listing.files.push_back({std::move(*parsed), to_file_stat(found)});
  }

  void visit(int folder, const std::string& folder_path, const dirent& entry) {
    const std::string_view name = entry.d_name;
    std::string path =
        folder_path.empty() ? std::string(name) : fmt::format("{}/{}", folder_path, name);
    if (name.front() == '.') {
      if (is_temporary_name(name)) leftovers.push_back(std::move(path));
      return;
    }
    unsigned char type = entry.d_type;
    struct stat found {};
    if (type == DT_REG || type == DT_UNKNOWN) {
      if (::fstatat(folder, entry.d_name, &found, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno != ENOENT)
          skip(std::move(path), errno_text(errno));  // Else it was removed just now.
        return;
      }
      type = type_of(found.st_mode);
    }
    switch (type) {
      case DT_REG:
        return add_file(std::move(path), name, found);
      case DT_DIR:
        if (const auto parsed = WorkspacePath::parse(path); !parsed)
          return skip(std::move(path), reason_of(parsed.error()));
        folders.push_back(std::move(path));
        return;
      case DT_LNK:
        return skip(std::move(path), "symbolic link");
      default:
        if (is_markdown_name(name)) skip(std::move(path), "not a regular file");
        return;
    }
  }

  // An error only for the root: without it there is no listing.
  Status walk_folder(const std::string& path) {
    Fd fd;
    const int number = root.try_open(path, O_RDONLY | O_DIRECTORY, fd);
    DirHandle dir(number == 0 ? ::fdopendir(fd.get()) : nullptr);
    if (dir == nullptr) {
      const int why = number != 0 ? number : errno;
      if (path.empty()) return open_error(why, root.path().string());
      if (why == ELOOP) {
        skip(path, "symbolic link");  // It took the folder's place just now.
      } else if (why != ENOENT) {
        skip(path, errno_text(why));
      }
      return {};
    }
    (void)fd.release();  // The DIR closes it.
    if (!path.empty() && ConfinedRoot::is_mount_root(::dirfd(dir.get())))
      listing.mounts.push_back(path);
    for (;;) {
      errno = 0;
      const dirent* entry = ::readdir(dir.get());
      if (entry == nullptr) break;
      visit(::dirfd(dir.get()), path, *entry);
    }
    if (errno == 0) return {};
    const int why = errno;
    if (path.empty()) return errno_error(why, root.path().string());
    skip(path, errno_text(why));
    return {};
  }
};

Result<Listing> DiskTree::list() {
  DX_TRY_OK(root_.check_in_place());
  Walk walk(root_);
  while (!walk.folders.empty()) {
    const std::string folder = std::move(walk.folders.back());
    walk.folders.pop_back();
    DX_TRY_OK(walk.walk_folder(folder));
  }
  Listing& listing = walk.listing;
  std::sort(listing.files.begin(), listing.files.end(),
            [](const Listed& a, const Listed& b) { return a.path < b.path; });
  std::sort(listing.skipped.begin(), listing.skipped.end(),
            [](const Skipped& a, const Skipped& b) { return a.path < b.path; });
  std::sort(listing.mounts.begin(), listing.mounts.end());
  leftovers_ = std::move(walk.leftovers);
  if (std::exchange(options_.tidy, false)) tidy();
  return std::move(listing);
}

}  // namespace diaryx::filesystem
