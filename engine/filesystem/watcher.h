// What changed on disk, by inotify. May report too much, and never too little: when in doubt it
// asks for a rescan.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "engine/base/path.h"
#include "engine/base/result.h"

namespace diaryx::filesystem {

struct Changes {
  std::set<WorkspacePath>
      paths;  // Written, created, removed or moved; may exist or not. Never hidden.
  // List everything: the queue overflowed, a folder was moved away, a limit was reached.
  bool rescan = false;
  std::vector<std::string> warnings;  // "inotify watch limit reached: …"; told once each.
};

class Watcher {
 public:
  // Watches `root` and the folders below it, except hidden ones. Never follows symbolic links.
  // Changes from then on are told: list after opening. LimitExceeded if the system has no inotify
  // instance left.
  static Result<std::unique_ptr<Watcher>> open(const std::filesystem::path& root);
  ~Watcher();
  // Waits up to `timeout_ms` for the first event, then gathers what follows within a few
  // milliseconds. May be empty.
  Result<Changes> wait(std::int64_t timeout_ms);
  // Makes a wait() in progress, or the next one, return at once. Any thread.
  void wake() noexcept;
  // Directories not covered (watch limit): the caller should rescan by time.
  bool incomplete() const noexcept;

 private:
  struct Impl;
  explicit Watcher(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace diaryx::filesystem
