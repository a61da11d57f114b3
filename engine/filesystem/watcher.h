// What changed on disk, by inotify. May report too much, and never too little: when in doubt it
// asks for a rescan.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "engine/base/path.h"
#include "engine/base/result.h"

namespace diaryx::filesystem {

struct Changes {
  std::set<WorkspacePath>
      paths;  // Written, created, removed or moved; may exist or not. Never hidden.
  // List everything: the queue overflowed, a folder was moved away or may be read only now, a limit
  // was reached.
  bool rescan = false;
};

class Watcher {
 public:
  // Watches `root` and the folders below it, except hidden ones. Never follows symbolic links.
  // Changes from then on are told: list after opening. LimitExceeded, with the limit's name and
  // what to do about it, if the system has no inotify instance left.
  static Result<std::unique_ptr<Watcher>> open(const std::filesystem::path& root);
  ~Watcher();
  // Waits up to `timeout_ms` for the first event, then gathers what follows within a few
  // milliseconds. May be empty.
  Result<Changes> wait(std::int64_t timeout_ms);
  // Makes a wait() in progress, or the next one, return at once. Any thread.
  void wake() noexcept;
  // Why some folders are not watched: the system has no watches left. The caller should look at
  // them by time. LimitExceeded with a hint; nothing if all is watched. The caller of wait() only.
  std::optional<Error> shortage() const;
  // Watches what could not be watched before, as far as the system lets us by now. True if nothing
  // is left out any more: then list once. The caller of wait() only.
  bool retry();
  std::size_t folders() const noexcept;  // Watched.

 private:
  struct Impl;
  explicit Watcher(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace diaryx::filesystem
