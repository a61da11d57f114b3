#include "engine/history/index_file.h"

#include <cerrno>
#include <chrono>
#include <cstring>
#include <system_error>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/check.h"

namespace diaryx::history {
namespace {

namespace fs = std::filesystem;

fs::path beside(const fs::path& index, const char* suffix) {
  return index.string() + suffix;
}
fs::path lock_file(const fs::path& index) {
  return beside(index, ".lock");
}
fs::path new_file(const fs::path& index) {
  return beside(index, ".diaryx-new");
}
fs::path old_file(const fs::path& index) {
  return beside(index, ".diaryx-old");
}

Error system_error(const fs::path& file, int number) {
  ErrorCode code = ErrorCode::Io;
  if (number == EACCES || number == EPERM || number == EROFS) code = ErrorCode::NotAllowed;
  if (number == ENOSPC || number == EDQUOT) code = ErrorCode::NoSpace;
  return Error{code, "git: " + file.string() + ": " + std::strerror(number)};
}

// The thread's signal mask before. The calls fail only for arguments that we do not pass.
sigset_t hold_signals() {
  sigset_t held;
  sigset_t before;
  (void)sigemptyset(&held);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) (void)sigaddset(&held, number);
  DX_CHECK(pthread_sigmask(SIG_BLOCK, &held, &before) == 0);
  return before;
}

void release_signals(const sigset_t& before) {
  DX_CHECK(pthread_sigmask(SIG_SETMASK, &before, nullptr) == 0);
}

// A rename is on disk only when its folder is.
Status sync_folder(const fs::path& folder) {
  const int fd = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return system_error(folder, errno);
  const int failed = fsync(fd) == 0 ? 0 : errno;
  (void)close(fd);  // Nothing was written through it.
  if (failed != 0) return system_error(folder, failed);
  return {};
}

Error index_failure(int code, const fs::path& file) {
  Error error = git_failure(code, "read the index " + file.string());
  if (error.message.find("extension") != std::string::npos) {
    error.code = ErrorCode::Unsupported;
    error.hint =
        "the index is split or sparse; run: git update-index --no-split-index; git sparse-checkout "
        "reapply "
        "--no-sparse-index";
  } else if (error.message.find("checksum") != std::string::npos) {
    error.code = ErrorCode::Corrupt;
    error.hint =
        "if git can read it, git was told to write no checksum; run: git config index.skipHash "
        "false; git "
        "update-index --force-write-index";
  }
  return error;
}

Result<IndexHandle> open_index(const fs::path& file) {
  git_index* raw = nullptr;
  const int code = git_index_open(&raw, file.c_str());
  IndexHandle handle(raw);
  if (code < 0) return index_failure(code, file);
  return handle;
}

// Entries whose times prove nothing: git shall compare contents, also when the index is younger
// than them.
Status mark_racy(git_index* index, std::int64_t written_s) {
  const std::size_t count = git_index_entrycount(index);
  for (std::size_t i = 0; i < count; ++i) {
    const git_index_entry* entry = git_index_get_byindex(index, i);
    if (entry->mtime.seconds < written_s || entry->file_size == 0) continue;
    git_index_entry doubtful = *entry;
    doubtful.file_size = 0;
    if (const int code = git_index_add(index, &doubtful); code < 0) {
      return git_failure(code, "keep an entry of the index");
    }
  }
  return {};
}

// `file` is a copy of an index that was written at `written_s`; it may be missing.
Status rewrite_index(const fs::path& file, std::int64_t written_s,
                     const std::vector<git_index_entry>& set,
                     const std::vector<std::string>& removed) {
  DX_TRY(const IndexHandle index, open_index(file));
  DX_TRY_OK(mark_racy(index.get(), written_s));
  for (const std::string& path : removed) {
    const int code = git_index_remove(index.get(), path.c_str(), 0);
    if (code < 0 && code != GIT_ENOTFOUND) return git_failure(code, "index: remove " + path);
  }
  for (const git_index_entry& entry : set) {
    if (const int code = git_index_add(index.get(), &entry); code < 0) {
      return git_failure(code, std::string("index: add ") + entry.path);
    }
  }
  if (const int code = git_index_write(index.get()); code < 0) {
    return git_failure(code, "write " + file.string());
  }
  return {};
}

}  // namespace

Result<IndexSnapshot> IndexSnapshot::read(const fs::path& file) {
  // The time is taken first: an index that is replaced in between then looks older than it is,
  // which costs a look at some contents and hides nothing.
  struct stat info = {};
  const std::int64_t written_s = stat(file.c_str(), &info) == 0 ? info.st_mtim.tv_sec : 0;
  DX_TRY(IndexHandle handle, open_index(file));
  return IndexSnapshot(std::move(handle), written_s);
}

const git_index_entry* IndexSnapshot::find(const std::string& path) const {
  return git_index_get_bypath(handle_.get(), path.c_str(), 0);
}

bool IndexSnapshot::in_conflict(const std::string& path) const {
  for (int stage = 1; stage <= 3; ++stage) {
    if (git_index_get_bypath(handle_.get(), path.c_str(), stage) != nullptr) return true;
  }
  return false;
}

bool IndexSnapshot::is_racy(const git_index_entry& entry) const noexcept {
  return entry.mtime.seconds >= written_s_;
}

fs::path index_path(git_repository* repository) {
  GitText path;
  // Fails only for a repository without a folder, which open_repository() does not return.
  DX_CHECK(git_repository_item_path(path.out(), repository, GIT_REPOSITORY_ITEM_INDEX) == 0);
  return fs::path(path.view());
}

Result<IndexLock> IndexLock::acquire(const fs::path& index, std::int64_t patience_ms) {
  using Clock = std::chrono::steady_clock;
  const fs::path file = lock_file(index);
  const Clock::time_point give_up = Clock::now() + std::chrono::milliseconds(patience_ms);
  for (;;) {
    const sigset_t mask = hold_signals();
    const int fd = open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd >= 0) {
      (void)close(fd);  // Empty: the name is the lock.
      return IndexLock(index, mask);
    }
    const int number = errno;
    release_signals(mask);
    if (number != EEXIST) return system_error(file, number);
    if (Clock::now() >= give_up) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return Error{
      ErrorCode::Busy, "git: the index is locked by another process (" + file.string() + " exists)",
      "try again when the other git command is done; if none is running, a crash left the lock "
      "behind: remove that file"};
}

IndexLock::IndexLock(IndexLock&& other) noexcept
    : index_(std::move(other.index_)),
      mask_(other.mask_),
      held_(std::exchange(other.held_, false)),
      undo_(std::exchange(other.undo_, Undo::Nothing)) {}

IndexLock::~IndexLock() {
  if (!held_) return;
  // Nothing here can be reported or helped. If the old index cannot come back, the new one stays:
  // our files then show as staged, and nothing of the person's is lost.
  std::error_code ignored;
  if (undo_ == Undo::Restore) fs::rename(old_file(index_), index_, ignored);
  if (undo_ == Undo::Remove) fs::remove(index_, ignored);
  fs::remove(new_file(index_), ignored);
  fs::remove(lock_file(index_), ignored);
  release_signals(mask_);
}

Status IndexLock::publish(const std::vector<git_index_entry>& set,
                          const std::vector<std::string>& removed) {
  DX_CHECK(held_);
  DX_CHECK(undo_ == Undo::Nothing);
  const fs::path fresh = new_file(index_);
  const fs::path old = old_file(index_);
  std::error_code failed;
  // Left by a crash, if they are there at all; the third one is libgit2's.
  for (const fs::path& stale : {old, fresh, lock_file(fresh)}) fs::remove(stale, failed);
  struct stat info = {};
  const bool existed = stat(index_.c_str(), &info) == 0;
  if (existed) {
    fs::copy_file(index_, fresh, fs::copy_options::overwrite_existing, failed);
    if (failed) return system_error(fresh, failed.value());
    fs::create_hard_link(index_, old, failed);
    if (failed) fs::copy_file(index_, old, failed);  // File systems without hard links.
    if (failed) return system_error(old, failed.value());
  }
  DX_TRY_OK(rewrite_index(fresh, existed ? info.st_mtim.tv_sec : 0, set, removed));
  if (existed && chmod(fresh.c_str(), info.st_mode & 07777) != 0) return system_error(fresh, errno);
  fs::rename(fresh, index_, failed);
  if (failed) return system_error(index_, failed.value());
  undo_ = existed ? Undo::Restore : Undo::Remove;
  return sync_folder(index_.parent_path());
}

void IndexLock::done() noexcept {
  undo_ = Undo::Nothing;
  std::error_code ignored;  // An old copy that stays is removed by the next commit.
  std::filesystem::remove(old_file(index_), ignored);
}

}  // namespace diaryx::history
