#include "engine/filesystem/poller.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <memory>
#include <string_view>
#include <utility>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "engine/base/keyed_hash.h"

namespace diaryx::filesystem {
namespace {

struct CloseDir {
  void operator()(DIR* dir) const noexcept { (void)::closedir(dir); }
};

// Unlike an mtime, a ctime cannot be set.
std::uint64_t hash_of(const struct stat& found) {
  const std::int64_t words[] = {static_cast<std::int64_t>(found.st_ino),
                                static_cast<std::int64_t>(found.st_mode),
                                found.st_size,
                                found.st_mtim.tv_sec,
                                found.st_mtim.tv_nsec,
                                found.st_ctim.tv_sec,
                                found.st_ctim.tv_nsec};
  return keyed_hash(std::string_view(reinterpret_cast<const char*>(words), sizeof words));
}

}  // namespace

struct Poller::Walk {
  const ConfinedRoot& root;
  const std::vector<Mark>& before;
  std::vector<Mark> now;
  std::vector<bool> found_again;  // By place in `before`.
  Changes changes;

  void visit(std::string path, const struct stat& found) {
    const Mark mark{keyed_hash(path), hash_of(found)};
    now.push_back(mark);
    const auto it = std::lower_bound(before.begin(), before.end(), mark);
    const bool known = it != before.end() && it->path == mark.path;
    if (known) found_again[static_cast<std::size_t>(it - before.begin())] = true;
    if (known && it->stat == mark.stat) return;
    if (auto parsed = WorkspacePath::parse(path)) changes.paths.insert(std::move(*parsed));
  }

  void walk() {
    std::vector<std::string> waiting{""};
    while (!waiting.empty()) {
      const std::string folder = std::move(waiting.back());
      waiting.pop_back();
      Fd fd;
      const int number = root.try_open(folder, O_RDONLY | O_DIRECTORY, fd);
      if (number != 0) {
        // That it may not be read is a fact like another; what it held has gone from sight, and
        // listing tells what that means.
        struct stat closed {};
        closed.st_mode = static_cast<mode_t>(number);
        visit(folder, closed);
        continue;
      }
      const std::unique_ptr<DIR, CloseDir> dir(::fdopendir(fd.get()));
      if (dir == nullptr) continue;
      (void)fd.release();  // The DIR closes it.
      while (const dirent* entry = ::readdir(dir.get())) {
        if (entry->d_name[0] == '.') continue;
        std::string path = folder.empty() ? entry->d_name : folder + "/" + entry->d_name;
        struct stat found {};
        if (entry->d_type != DT_DIR) {
          if (::fstatat(::dirfd(dir.get()), entry->d_name, &found, AT_SYMLINK_NOFOLLOW) != 0)
            continue;  // Removed just now.
          if (!S_ISDIR(found.st_mode)) {
            visit(std::move(path), found);
            continue;
          }
        }
        waiting.push_back(std::move(path));
      }
    }
  }
};

Result<Changes> Poller::look() {
  DX_TRY_OK(root_.check_in_place());
  const auto start = std::chrono::steady_clock::now();
  Walk walk{root_, seen_, {}, std::vector<bool>(seen_.size()), {}};
  walk.now.reserve(seen_.size());
  walk.walk();
  // Taken away meanwhile: then what was not found means nothing.
  DX_TRY_OK(root_.check_in_place());
  Changes changes = std::move(walk.changes);
  // Something is gone: which, the one who lists knows.
  changes.rescan =
      std::find(walk.found_again.begin(), walk.found_again.end(), false) != walk.found_again.end();
  if (!std::exchange(has_looked_, true)) changes = {.paths = {}, .rescan = true};
  std::sort(walk.now.begin(), walk.now.end());
  seen_ = std::move(walk.now);
  cost_ms_ = std::chrono::duration_cast<std::chrono::milliseconds>(
                 std::chrono::steady_clock::now() - start)
                 .count();
  return changes;
}

void Poller::forget() {
  seen_ = {};
  has_looked_ = false;
}

}  // namespace diaryx::filesystem
