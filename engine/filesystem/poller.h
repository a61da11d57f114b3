// What changed on disk, by looking: one stat for each file, nothing is read. For folders that
// cannot be watched (watcher.h). Sees also what keeps a file's size and time, by its ctime.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/filesystem/confined_root.h"
#include "engine/filesystem/watcher.h"

namespace diaryx::filesystem {

class Poller {
 public:
  // `root` must outlive it.
  explicit Poller(const ConfinedRoot& root) : root_(root) {}

  // What is different from the last look, the way that Watcher::wait() tells it; the first look
  // only takes note, and asks for a rescan. NotFound if the root is not where it was.
  Result<Changes> look();
  // Forgets what it has seen, and gives back the memory: 16 octets for each file.
  void forget();
  // How long the last look took.
  std::int64_t cost_ms() const noexcept { return cost_ms_; }

 private:
  // Keyed hashes of a path, and of all that its stat says of a file. That two paths have the same
  // one is so rare that the rescan by time is good enough for it.
  struct Mark {
    std::uint64_t path, stat;
    bool operator<(const Mark& other) const { return path < other.path; }
  };
  struct Walk;

  const ConfinedRoot& root_;
  std::vector<Mark> seen_;  // Sorted.
  bool has_looked_ = false;
  std::int64_t cost_ms_ = 0;
};

}  // namespace diaryx::filesystem
