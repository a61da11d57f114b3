// git's index (the staging area) of a work tree: read without a lock, changed under git's own lock.
//
// The lock is the file that git uses, <index>.lock, so that the person's git and ours keep out of
// each other's way. A new index is written beside the old one and renamed over it; until done() the
// old one can come back.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <signal.h>

#include "engine/base/result.h"
#include "engine/history/git.h"

namespace diaryx::history {

// The entries of an index file, in memory. Looks paths up with regard to case, whatever
// core.ignorecase says.
class IndexSnapshot {
 public:
  // A file that is not there is an empty index. Unsupported: split or sparse index.
  static Result<IndexSnapshot> read(const std::filesystem::path& file);

  git_index* get() const noexcept { return handle_.get(); }
  // The entry at stage 0; null if there is none.
  const git_index_entry* find(const std::string& path) const;
  // The path has entries of an unfinished merge.
  bool in_conflict(const std::string& path) const;
  // A file changed in the second in which the index was written may have changed after git looked
  // at it: its times prove nothing. (git calls such an entry racily clean.)
  bool is_racy(const git_index_entry& entry) const noexcept;

 private:
  IndexSnapshot(IndexHandle handle, std::int64_t written_s)
      : handle_(std::move(handle)), written_s_(written_s) {}

  IndexHandle handle_;
  std::int64_t written_s_;  // Seconds since 1970.
};

std::filesystem::path index_path(git_repository* repository);

// Holds git's lock on the index, and gives it back. While it is held, SIGINT, SIGTERM and SIGHUP
// wait in this thread: Ctrl-C at the wrong moment would leave the lock behind, and the person's git
// would stop at it. Stay on one thread with it.
class IndexLock {
 public:
  // Waits up to `patience_ms`. Busy: somebody else has it, with the name of the lock file;
  // NotAllowed: no permission.
  static Result<IndexLock> acquire(const std::filesystem::path& index, std::int64_t patience_ms);
  IndexLock(IndexLock&& other) noexcept;
  IndexLock& operator=(IndexLock&&) = delete;
  // Gives the lock back, after putting the old index back if publish() was not followed by done().
  ~IndexLock();

  // Puts an index with these changes in place: `set` entries (their path included) take the place
  // of what is at their path, entries at `removed` go. All others stay, with their flags; those
  // that are racy are marked so that git looks at their contents again, because the new index is
  // younger than the proof.
  Status publish(const std::vector<git_index_entry>& set, const std::vector<std::string>& removed);
  // Keeps what publish() wrote.
  void done() noexcept;

 private:
  IndexLock(std::filesystem::path index, const sigset_t& mask)
      : index_(std::move(index)), mask_(mask) {}

  std::filesystem::path index_;
  sigset_t mask_;  // The thread's signal mask before.
  bool held_ = true;
  enum class Undo { Nothing, Restore, Remove } undo_ = Undo::Nothing;
};

}  // namespace diaryx::history
