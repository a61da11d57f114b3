#include "engine/history/work_tree.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/history/conversion.h"
#include "engine/history/directory_chain.h"

namespace diaryx::history {
namespace {

// Times a file that changes while we read it is read again.
constexpr int kReadAttempts = 3;

void put_stat(git_index_entry& entry, const struct stat& info) {
  // git's index has 32 bits for each and compares what is left after cutting.
  entry.ctime.seconds = static_cast<std::int32_t>(info.st_ctim.tv_sec);
  entry.ctime.nanoseconds = static_cast<std::uint32_t>(info.st_ctim.tv_nsec);
  entry.mtime.seconds = static_cast<std::int32_t>(info.st_mtim.tv_sec);
  entry.mtime.nanoseconds = static_cast<std::uint32_t>(info.st_mtim.tv_nsec);
  entry.dev = static_cast<std::uint32_t>(info.st_dev);
  entry.ino = static_cast<std::uint32_t>(info.st_ino);
  entry.uid = static_cast<std::uint32_t>(info.st_uid);
  entry.gid = static_cast<std::uint32_t>(info.st_gid);
  entry.file_size = static_cast<std::uint32_t>(info.st_size);
}

bool same_moment(const struct stat& a, const struct stat& b) {
  return a.st_size == b.st_size && a.st_mtim.tv_sec == b.st_mtim.tv_sec &&
         a.st_mtim.tv_nsec == b.st_mtim.tv_nsec && a.st_ctim.tv_sec == b.st_ctim.tv_sec &&
         a.st_ctim.tv_nsec == b.st_ctim.tv_nsec;
}

struct ReadFile {
  std::string bytes;
  struct stat info;
  bool settled;  // It did not change while it was read.
};

Error read_error(const std::string& path, int number) {
  return Error{ErrorCode::Io, path + ": " + std::strerror(number)};
}

// Reads up to the end. An errno, or 0.
int read_to_end(int fd, std::uint64_t expected, std::string& out) {
  out.resize(expected +
             1);  // One more, so that a file of that size shows its end in the first read.
  std::size_t size = 0;
  for (;;) {
    if (size == out.size()) out.resize(out.size() * 2);
    const ssize_t count = read(fd, out.data() + size, out.size() - size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno;
    if (count == 0) break;
    size += static_cast<std::size_t>(count);
    if (size > kMaxCommittedBytes) return EFBIG;
  }
  out.resize(size);
  return 0;
}

// Nothing if it was read; else why not, where that is a matter of this file alone.
std::optional<std::string> refusal_of(int number) {
  switch (number) {
    case ENOENT:
      return "gone from disk";
    case ELOOP:
      return "symbolic link";
    case ENOTDIR:
      return "symbolic link or file where a folder should be";
    case EACCES:
    case EPERM:
      return "permission denied";
    case EFBIG:
      return "larger than 256 MiB";
    default:
      return std::nullopt;
  }
}

class Scanner {
 public:
  Scanner(const Repository& repository, const IndexSnapshot& index, ObjectWriter& objects)
      : repository_(repository), index_(index), objects_(objects) {}

  Result<WorkTreeScan> scan(const std::vector<WorkspacePath>& files,
                            const std::vector<WorkspacePath>& removed) {
    DX_TRY_OK(set_up());
    const std::string root = (repository_.work_tree / repository_.prefix).string();
    DX_TRY(DirectoryChain chain, DirectoryChain::open(root));
    for (const WorkspacePath* path : sorted(files)) DX_TRY_OK(scan_file(chain, *path));
    for (const WorkspacePath* path : sorted(removed)) DX_TRY_OK(scan_removed(chain, *path));
    return std::move(result_);
  }

 private:
  static std::vector<const WorkspacePath*> sorted(const std::vector<WorkspacePath>& paths) {
    std::vector<const WorkspacePath*> order;
    order.reserve(paths.size());
    for (const WorkspacePath& path : paths) order.push_back(&path);
    const auto less = [](const auto* a, const auto* b) { return *a < *b; };
    const auto same = [](const auto* a, const auto* b) { return *a == *b; };
    std::sort(order.begin(), order.end(), less);
    order.erase(std::unique(order.begin(), order.end(), same), order.end());
    return order;
  }

  Status set_up() {
    git_config* raw_config = nullptr;
    int code = git_repository_config_snapshot(&raw_config, repository_.get());
    config_.reset(raw_config);
    if (code < 0) return git_failure(code, "read the configuration");
    trusts_mode_ = config_bool(config_.get(), "core.fileMode", true);
    git_index* raw_index = nullptr;
    code = git_index_new(&raw_index);
    names_.reset(raw_index);
    if (code < 0) return git_failure(code, "make an index");
    started_s_ = std::time(nullptr);
    return {};
  }

  void skip(const WorkspacePath& path, std::string reason) {
    result_.skipped.push_back({path.str(), std::move(reason)});
  }

  Status scan_file(DirectoryChain& chain, const WorkspacePath& path) {
    const std::string full = repository_.prefix + path.str();
    const DirectoryChain::Parent parent = chain.parent_of(path.str());
    if (parent.fd < 0) return skip_or_fail(path, parent.error);
    if (parent.nested_repository) {
      skip(path, "inside another git repository");
      return {};
    }
    const std::string name(path.name());
    struct stat info = {};
    if (fstatat(parent.fd, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
      return skip_or_fail(path, errno);
    }
    if (!S_ISREG(info.st_mode)) {
      skip(path, S_ISLNK(info.st_mode) ? "symbolic link" : "not a regular file");
      return {};
    }
    const git_index_entry* known = index_.find(full);
    if (known == nullptr) {
      DX_TRY_OK(refuse_conflict(full));
      DX_TRY(const std::optional<std::string> reason, why_not_new(full));
      if (reason) {
        skip(path, *reason);
        return {};
      }
    } else if (std::optional<std::string> reason = why_left_alone(*known)) {
      skip(path, std::move(*reason));
      return {};
    }
    if (known != nullptr && is_unchanged(*known, info)) {
      result_.present.push_back({full, *known});
      return {};
    }
    return read_and_add(parent.fd, name, path, full, known);
  }

  Status skip_or_fail(const WorkspacePath& path, int number) {
    std::optional<std::string> reason = refusal_of(number);
    if (!reason) return read_error(path.str(), number);
    skip(path, std::move(*reason));
    return {};
  }

  Status refuse_conflict(const std::string& full) const {
    if (!index_.in_conflict(full)) return {};
    return Error{ErrorCode::NotAllowed, "git: " + full + " has an unresolved merge conflict",
                 "resolve it, then run: git add " + full};
  }

  // A file that git does not track: may it be added?
  Result<std::optional<std::string>> why_not_new(const std::string& full) {
    if (is_in_submodule(full)) return std::optional<std::string>("inside a submodule");
    int ignored = 0;
    if (const int code = git_ignore_path_is_ignored(&ignored, repository_.get(), full.c_str());
        code < 0) {
      return git_failure(code, "read the ignore rules for " + full);
    }
    if (ignored != 0) return std::optional<std::string>("ignored by git");
    // Only an index knows which names git refuses (".git" in disguises that other file systems take
    // for it).
    git_index_entry probe = {};
    probe.path = full.c_str();
    probe.mode = GIT_FILEMODE_BLOB;
    if (git_index_add(names_.get(), &probe) < 0) {
      return std::optional<std::string>("git does not allow this name");
    }
    return std::optional<std::string>();
  }

  bool is_in_submodule(const std::string& full) {
    const std::size_t end = full.rfind('/');
    if (end == std::string::npos) return false;
    const std::string_view folder = std::string_view(full).substr(0, end);
    if (folder == last_folder_) return last_folder_in_submodule_;
    last_folder_ = folder;
    last_folder_in_submodule_ = false;
    for (std::size_t slash = full.find('/'); slash != std::string::npos;
         slash = full.find('/', slash + 1)) {
      const git_index_entry* entry = index_.find(full.substr(0, slash));
      if (entry != nullptr && entry->mode == GIT_FILEMODE_COMMIT) last_folder_in_submodule_ = true;
    }
    return last_folder_in_submodule_;
  }

  // A tracked file that the person told git not to look at.
  static std::optional<std::string> why_left_alone(const git_index_entry& known) {
    if ((known.flags_extended & GIT_INDEX_ENTRY_SKIP_WORKTREE) != 0) {
      return "outside the sparse checkout";
    }
    if ((known.flags & GIT_INDEX_ENTRY_VALID) != 0) return "marked assume-unchanged in git";
    if (known.mode == GIT_FILEMODE_COMMIT) return "a submodule in git";
    return std::nullopt;
  }

  std::uint32_t mode_of(const struct stat& info, const git_index_entry* known) const {
    const bool known_file = known != nullptr && (known->mode == GIT_FILEMODE_BLOB ||
                                                 known->mode == GIT_FILEMODE_BLOB_EXECUTABLE);
    if (!trusts_mode_) return known_file ? known->mode : std::uint32_t{GIT_FILEMODE_BLOB};
    return (info.st_mode & S_IXUSR) != 0 ? GIT_FILEMODE_BLOB_EXECUTABLE : GIT_FILEMODE_BLOB;
  }

  // The index proves that the file still has the blob in it. A size of 0 in the index means that
  // git itself has doubts.
  bool is_unchanged(const git_index_entry& known, const struct stat& info) const {
    if ((known.flags_extended & GIT_INDEX_ENTRY_INTENT_TO_ADD) != 0) return false;
    if (known.file_size == 0 || index_.is_racy(known)) return false;
    git_index_entry now = {};
    put_stat(now, info);
    return same_stat(known, now) && known.mode == mode_of(info, &known);
  }

  Status read_and_add(int folder, const std::string& name, const WorkspacePath& path,
                      const std::string& full, const git_index_entry* known) {
    ReadFile file = {};
    int number = 0;
    for (int attempt = 0; attempt < kReadAttempts; ++attempt) {
      number = read_file(folder, name, file);
      if (number != 0 || file.settled) break;
    }
    if (number != 0) return skip_or_fail(path, number);
    DX_TRY(Stored stored,
           Conversion(repository_.get(), config_.get()).to_stored(full, std::move(file.bytes)));
    if (stored.refusal) {
      skip(path, std::move(*stored.refusal));
      return {};
    }
    WorkFile work{full, {}};
    put_stat(work.entry, file.info);
    work.entry.mode = mode_of(file.info, known);
    // Changed in this very second, or while we read: the next change may leave the same times
    // behind. Size 0 tells git to look at the contents the next time.
    if (!file.settled || file.info.st_mtim.tv_sec >= started_s_) work.entry.file_size = 0;
    DX_TRY(work.entry.id, objects_.add(GIT_OBJECT_BLOB, std::move(stored.bytes)));
    result_.present.push_back(std::move(work));
    return {};
  }

  // An errno, or 0.
  static int read_file(int folder, const std::string& name, ReadFile& out) {
    // Non-blocking, should a pipe have taken the file's place.
    const OpenFile file(
        openat(folder, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (file.fd() < 0) return errno;
    if (fstat(file.fd(), &out.info) != 0) return errno;
    if (!S_ISREG(out.info.st_mode)) return ELOOP;
    const auto size = static_cast<std::uint64_t>(out.info.st_size);
    if (size > kMaxCommittedBytes) return EFBIG;
    if (const int number = read_to_end(file.fd(), size, out.bytes); number != 0) return number;
    struct stat after = {};
    if (fstat(file.fd(), &after) != 0) return errno;
    out.settled = same_moment(out.info, after) &&
                  out.bytes.size() == static_cast<std::uint64_t>(after.st_size);
    return 0;
  }

  Status scan_removed(DirectoryChain& chain, const WorkspacePath& path) {
    const std::string full = repository_.prefix + path.str();
    const DirectoryChain::Parent parent = chain.parent_of(path.str());
    int number = parent.error;
    if (parent.fd >= 0) {
      if (parent.nested_repository) return {};
      struct stat info = {};
      const std::string name(path.name());
      number = fstatat(parent.fd, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 ? 0 : errno;
    }
    if (number != ENOENT && number != ENOTDIR) return {};  // There, or nobody can tell: it stays.
    const git_index_entry* known = index_.find(full);
    if (known == nullptr) DX_TRY_OK(refuse_conflict(full));
    if (known != nullptr && why_left_alone(*known)) return {};
    result_.gone.push_back(full);
    return {};
  }

  const Repository& repository_;
  const IndexSnapshot& index_;
  ObjectWriter& objects_;
  ConfigHandle config_;
  IndexHandle names_;
  bool trusts_mode_ = true;
  std::time_t started_s_ = 0;
  std::string last_folder_;
  bool last_folder_in_submodule_ = false;
  WorkTreeScan result_;
};

}  // namespace

bool same_stat(const git_index_entry& a, const git_index_entry& b) noexcept {
  // Not the device: it changes with every mount of some file systems. git leaves it out as well.
  return a.ctime.seconds == b.ctime.seconds && a.ctime.nanoseconds == b.ctime.nanoseconds &&
         a.mtime.seconds == b.mtime.seconds && a.mtime.nanoseconds == b.mtime.nanoseconds &&
         a.ino == b.ino && a.uid == b.uid && a.gid == b.gid && a.file_size == b.file_size;
}

Result<WorkTreeScan> scan_work_tree(const Repository& repository, const IndexSnapshot& index,
                                    const std::vector<WorkspacePath>& files,
                                    const std::vector<WorkspacePath>& removed,
                                    ObjectWriter& objects) {
  return Scanner(repository, index, objects).scan(files, removed);
}

}  // namespace diaryx::history
