#include "engine/filesystem/watcher.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/filesystem/confined_root.h"

namespace diaryx::filesystem {
namespace {

using SteadyClock = std::chrono::steady_clock;

// Editors and scripts touch several files in one go: what follows the first event this soon belongs
// to it.
constexpr std::chrono::milliseconds kGather{10};

constexpr std::uint32_t kFileEvents =
    IN_CREATE | IN_MODIFY | IN_CLOSE_WRITE | IN_ATTRIB | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO;
constexpr std::uint32_t kWatch =
    kFileEvents | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR | IN_DONT_FOLLOW | IN_EXCL_UNLINK;

struct CloseDir {
  void operator()(DIR* dir) const noexcept { (void)::closedir(dir); }
};

struct Limit {
  std::string name;
  std::int64_t value = INT64_MAX;
};

// The smaller one of the system's limit and that of our user namespace (a container, often); as
// inotify(7) and namespaces(7) name them.
Limit limit_of(const std::string& what) {
  const bool watches = what == "inotify_watches";
  Limit system{watches ? "fs.inotify.max_user_watches" : "fs.inotify.max_user_instances"};
  Limit own{"user.max_" + what};
  for (Limit* limit : {&system, &own}) {
    std::string file = "/proc/sys/" + limit->name;
    std::replace(file.begin() + 10, file.end(), '.', '/');
    std::ifstream(file) >> limit->value;  // Stays as it is where there is no such file.
  }
  return own.value < system.value ? own : system;
}

// `what` is "inotify_watches" or "inotify_instances".
Error exceeded(const std::string& what, std::string_view so) {
  const Limit limit = limit_of(what);
  if (limit.value == INT64_MAX) return Error{ErrorCode::LimitExceeded, std::string(so)};
  return Error{ErrorCode::LimitExceeded,
               fmt::format("{}: the system's limit {} is {}", so, limit.name, limit.value),
               fmt::format("raise it: sudo sysctl {}={}", limit.name,
                           what == "inotify_watches" ? 1'048'576 : 1'024)};
}

Error no_instance(int number) {
  // EMFILE is said of two limits: that of inotify, and that of open files.
  if (number == EMFILE && Fd(::eventfd(0, EFD_CLOEXEC)))
    return exceeded("inotify_instances", "the folder cannot be watched");
  return errno_error(number, "the folder cannot be watched");
}

std::string join(std::string_view folder, std::string_view name) {
  return folder.empty() ? std::string(name) : fmt::format("{}/{}", folder, name);
}

}  // namespace

struct Watcher::Impl {
  explicit Impl(ConfinedRoot confined) : root(std::move(confined)) {}

  ConfinedRoot root;
  Fd inotify;
  Fd wakeup;
  Fd mounts;  // Signals when the system's table of mounts changes; may be missing.
  std::string mounts_below;
  std::unordered_map<int, std::string> folders;  // Watch → folder, "" for the root.
  std::map<std::string, int, std::less<>>
      watches;  // And back; sorted, so that what is below a folder lies together.
  std::set<std::string, std::less<>> uncovered;  // Folders for which there was no watch left.
  std::set<std::string, std::less<>> closed;     // Folders that we may not read.
  Changes carried;            // What open() has to say, told by the first wait().
  std::optional<Error> gone;  // The root is; nothing comes after that.
  alignas(inotify_event) std::array<char, 64U << 10U> buffer{};

  // Watches a folder and all below it, and reports the files that are there already where they may
  // have come before the watch did.
  enum class Files { Known, Report };
  // Below::New leaves out the folders that are known already.
  enum class Below { All, New };
  void add_tree(const std::string& top, Files files, Changes& changes, Below below = Below::All);
  bool is_known(const std::string& folder) const {
    return watches.contains(folder) || uncovered.contains(folder);
  }
  // False if it is no folder (any more).
  bool add_watch(const std::string& folder, Changes& changes);
  void drop_tree(std::string_view top);
  void drop_watch(int watch);
  // Its permissions may have changed.
  void look_at_folder(const std::string& folder, Changes& changes);
  Status read_events(Changes& changes);
  // The lines of the table that tell of mounts below the root.
  std::string read_mounts() const;
  Status look_at_mounts(Changes& changes);
  void take(const inotify_event& event, Changes& changes);
  void take_own(const std::string& folder, const inotify_event& event, Changes& changes);
  void take_child(const std::string& folder, const inotify_event& event, Changes& changes);
};

void Watcher::Impl::drop_watch(int watch) {
  const auto it = folders.find(watch);
  if (it == folders.end()) return;
  const auto back = watches.find(it->second);
  if (back != watches.end() && back->second == watch) watches.erase(back);
  folders.erase(it);
}

void Watcher::Impl::drop_tree(std::string_view top) {
  const auto is_inside = [top](std::string_view folder) {
    return folder.size() == top.size() || top.empty() || folder[top.size()] == '/';
  };
  for (auto* const folders_without : {&uncovered, &closed}) {
    for (auto it = folders_without->lower_bound(top);
         it != folders_without->end() && it->starts_with(top);)
      it = is_inside(*it) ? folders_without->erase(it) : std::next(it);
  }
  std::vector<int> dropped;
  for (auto it = watches.lower_bound(top); it != watches.end() && it->first.starts_with(top);
       ++it) {
    if (is_inside(it->first)) dropped.push_back(it->second);
  }
  for (const int watch : dropped) {
    drop_watch(watch);
    (void)::inotify_rm_watch(inotify.get(), watch);  // Fails if the kernel has dropped it already.
  }
}

bool Watcher::Impl::add_watch(const std::string& folder, Changes& changes) {
  const std::string full = folder.empty() ? root.path().string() : (root.path() / folder).string();
  const int watch = ::inotify_add_watch(inotify.get(), full.c_str(), kWatch);
  if (watch >= 0) {
    // A folder that was moved keeps its watch: forget where it was.
    drop_watch(watch);
    if (const auto old = watches.find(folder); old != watches.end()) {
      folders.erase(old->second);
      (void)::inotify_rm_watch(inotify.get(),
                               old->second);  // Fails if the kernel has dropped it already.
    }
    folders[watch] = folder;
    watches[folder] = watch;
    uncovered.erase(folder);
    return true;
  }
  if (errno == ENOSPC || errno == ENOMEM) {
    changes.rescan = true;
    uncovered.insert(folder);
    return true;
  }
  if (const int number = errno; number == EACCES) closed.insert(folder);
  uncovered.erase(folder);
  // Gone again, or not for us to read: then nothing below it can be listed either.
  return false;
}

void Watcher::Impl::add_tree(const std::string& top, Files files, Changes& changes, Below below) {
  std::vector<std::string> waiting{top};
  while (!waiting.empty()) {
    const std::string folder = std::move(waiting.back());
    waiting.pop_back();
    if (!add_watch(folder, changes)) continue;
    // Read after the watch is there: what comes later makes an event.
    Fd fd;
    if (const int number = root.try_open(folder, O_RDONLY | O_DIRECTORY, fd); number != 0) {
      if (number == EACCES) closed.insert(folder);
      continue;
    }
    closed.erase(folder);
    const std::unique_ptr<DIR, CloseDir> dir(::fdopendir(fd.get()));
    if (dir == nullptr) continue;
    (void)fd.release();  // The DIR closes it.
    while (const dirent* entry = ::readdir(dir.get())) {
      if (entry->d_name[0] == '.') continue;
      unsigned char type = entry->d_type;
      struct stat found {};
      if (type == DT_UNKNOWN &&
          ::fstatat(::dirfd(dir.get()), entry->d_name, &found, AT_SYMLINK_NOFOLLOW) == 0) {
        type = S_ISDIR(found.st_mode) ? DT_DIR : DT_REG;
      }
      std::string path = join(folder, entry->d_name);
      if (type == DT_DIR) {
        if (below == Below::All || !is_known(path)) waiting.push_back(std::move(path));
      } else if (files == Files::Report) {
        if (auto parsed = WorkspacePath::parse(path)) changes.paths.insert(std::move(*parsed));
      }
    }
  }
}

void Watcher::Impl::take_own(const std::string& folder, const inotify_event& event,
                             Changes& changes) {
  if (folder.empty()) {
    if ((event.mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT | IN_IGNORED)) != 0) {
      gone = Error{
          ErrorCode::NotFound,
          root.path().string() + ": the folder is no longer there: moved, deleted or unmounted"};
    }
    return;
  }
  if ((event.mask & IN_UNMOUNT) != 0) changes.rescan = true;
  if ((event.mask & IN_IGNORED) != 0) drop_watch(event.wd);
}

void Watcher::Impl::take_child(const std::string& folder, const inotify_event& event,
                               Changes& changes) {
  const std::string_view name(event.name);
  if (name.empty() || name.front() == '.') return;
  const std::string path = join(folder, name);
  if ((event.mask & IN_ISDIR) == 0) {
    // Names that cannot be synced are told by listing, not here.
    if (auto parsed = WorkspacePath::parse(path)) changes.paths.insert(std::move(*parsed));
    return;
  }
  if ((event.mask & (IN_MOVED_FROM | IN_DELETE)) != 0) drop_tree(path);
  // Its files went with it, and no event names them. (Files of a folder that is deleted are deleted
  // one by one before.)
  if ((event.mask & IN_MOVED_FROM) != 0) changes.rescan = true;
  if ((event.mask & (IN_CREATE | IN_MOVED_TO)) != 0) add_tree(path, Files::Report, changes);
  if ((event.mask & IN_ATTRIB) != 0) look_at_folder(path, changes);
}

void Watcher::Impl::look_at_folder(const std::string& folder, Changes& changes) {
  if (!is_known(folder)) return add_tree(folder, Files::Report, changes);
  Fd fd;
  const bool is_closed = root.try_open(folder, O_RDONLY | O_DIRECTORY, fd) == EACCES;
  // What lies in it has not changed, but whether we can tell has.
  if (is_closed ? closed.insert(folder).second : closed.erase(folder) != 0) changes.rescan = true;
}

void Watcher::Impl::take(const inotify_event& event, Changes& changes) {
  if ((event.mask & IN_Q_OVERFLOW) != 0) {
    changes.rescan = true;
    // New folders may have been among what was lost.
    add_tree("", Files::Known, changes);
    return;
  }
  const auto it = folders.find(event.wd);
  if (it == folders.end())
    return;  // Of a watch that was dropped, and that asked for a rescan then.
  const std::string folder = it->second;
  if ((event.mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT | IN_IGNORED)) != 0) {
    take_own(folder, event, changes);
  } else if (event.len > 0) {
    take_child(folder, event, changes);
  } else if (folder.empty() && (event.mask & IN_ATTRIB) != 0) {
    look_at_folder(folder, changes);  // No other folder that is watched has the root in it.
  }
}

Status Watcher::Impl::read_events(Changes& changes) {
  for (;;) {
    const ssize_t n = ::read(inotify.get(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return {};
    if (n < 0) return errno_error(errno, "inotify");
    for (ssize_t at = 0; at < n;) {
      const auto& event = *reinterpret_cast<const inotify_event*>(buffer.data() + at);
      at += static_cast<ssize_t>(sizeof(inotify_event) + event.len);
      take(event, changes);
      if (gone) return *gone;
    }
  }
}

std::string Watcher::Impl::read_mounts() const {
  // The fifth field is the mount point, in which blanks and the like stand as octal numbers:
  // proc(5).
  std::string inside;
  for (const char c : root.path().string()) {
    const bool escaped = c == ' ' || c == '\t' || c == '\n' || c == '\\';
    inside += escaped ? fmt::format("\\{:03o}", c) : std::string(1, c);
  }
  std::ifstream table("/proc/self/mountinfo");
  std::string out;
  for (std::string line; std::getline(table, line);) {
    std::size_t at = 0;
    for (int field = 0; field < 4 && at != std::string::npos; ++field) at = line.find(' ', at + 1);
    if (at == std::string::npos) continue;
    const std::string_view point = std::string_view(line).substr(at + 1);
    if (point.starts_with(inside) && point.substr(inside.size()).starts_with('/')) out += line;
  }
  return out;
}

Status Watcher::Impl::look_at_mounts(Changes& changes) {
  if (Status there = root.check_in_place(); !there) {
    gone = std::move(there).error();
    return *gone;
  }
  if (std::string now = read_mounts(); now != mounts_below) {
    mounts_below = std::move(now);
    changes.rescan = true;
    add_tree("", Files::Known, changes);
  }
  return {};
}

Watcher::Watcher(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Watcher::~Watcher() = default;

Result<std::unique_ptr<Watcher>> Watcher::open(const std::filesystem::path& root) {
  DX_TRY(ConfinedRoot confined, ConfinedRoot::open(root));
  auto impl = std::make_unique<Impl>(std::move(confined));
  impl->inotify = Fd(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (!impl->inotify) return no_instance(errno);
  impl->wakeup = Fd(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!impl->wakeup) return errno_error(errno, "eventfd");
  // A file system that is detached while somebody uses it makes no event, nor does one that is
  // mounted over a folder.
  impl->mounts = Fd(::open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC));
  if (impl->mounts) impl->mounts_below = impl->read_mounts();
  impl->add_tree("", Impl::Files::Known, impl->carried);
  return std::unique_ptr<Watcher>(new Watcher(std::move(impl)));
}

Result<Changes> Watcher::wait(std::int64_t timeout_ms) {
  if (impl_->gone) return *impl_->gone;
  // Where mounts are not signalled, this is what tells of a file system that was detached.
  if (Status there = impl_->root.check_in_place(); !there) {
    impl_->gone = std::move(there).error();
    return *impl_->gone;
  }
  Changes changes = std::exchange(impl_->carried, {});
  auto deadline = SteadyClock::now() + std::chrono::milliseconds(changes.rescan ? 0 : timeout_ms);
  bool gathering = false;
  // poll() looks past a descriptor that is -1.
  std::array<pollfd, 3> ready{pollfd{impl_->inotify.get(), POLLIN, 0},
                              pollfd{impl_->wakeup.get(), POLLIN, 0},
                              pollfd{impl_->mounts.get(), POLLPRI, 0}};
  for (;;) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - SteadyClock::now()).count();
    const int n = ::poll(ready.data(), ready.size(),
                         left > 0 ? static_cast<int>(std::min<std::int64_t>(left, 1'000'000)) : 0);
    if (n < 0 && errno != EINTR) return errno_error(errno, "poll");
    if (n > 0 && (ready[0].revents & POLLIN) != 0) {
      DX_TRY_OK(impl_->read_events(changes));
      if (!std::exchange(gathering, true))
        deadline = std::min(deadline, SteadyClock::now()) + kGather;
    }
    if (n > 0 && (ready[2].revents & POLLPRI) != 0) DX_TRY_OK(impl_->look_at_mounts(changes));
    if (n > 0 && (ready[1].revents & POLLIN) != 0) {
      std::uint64_t count = 0;
      (void)::read(impl_->wakeup.get(), &count,
                   sizeof count);  // Empties it; how often it was called does not matter.
      return changes;
    }
    if (SteadyClock::now() >= deadline) return changes;
  }
}

void Watcher::wake() noexcept {
  const std::uint64_t one = 1;
  // Fails only if it is full, and then the wait() ends anyway.
  (void)!::write(impl_->wakeup.get(), &one, sizeof one);
}

std::optional<Error> Watcher::shortage() const {
  const std::size_t without = impl_->uncovered.size();
  if (without == 0) return std::nullopt;
  return exceeded("inotify_watches", fmt::format("{} of {} folders cannot be watched", without,
                                                 without + impl_->folders.size()));
}

bool Watcher::retry() {
  const std::vector<std::string> without(impl_->uncovered.begin(), impl_->uncovered.end());
  for (const std::string& folder : without) {
    if (!impl_->uncovered.contains(folder)) continue;
    Changes found;
    impl_->add_tree(folder, Impl::Files::Known, found, Impl::Below::New);
    if (impl_->uncovered.contains(folder)) return false;
  }
  return impl_->uncovered.empty();
}

std::size_t Watcher::folders() const noexcept {
  return impl_->folders.size();
}

}  // namespace diaryx::filesystem
