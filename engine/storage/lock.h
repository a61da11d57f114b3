// One process writes. `lock` in .diaryx/ is held (flock) by the writer for as long as it writes; `server.json` beside it
// (mode 0600) says how to reach a running `serve`, so that other commands can ask it instead.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "engine/base/result.h"

namespace diaryx::storage {

class WorkspaceLock {
 public:
  // Busy if another process holds it after `wait_ms`; the message names its pid where known.
  static Result<WorkspaceLock> acquire(const std::filesystem::path& diaryx_dir, std::int64_t wait_ms);
  WorkspaceLock(WorkspaceLock&& other) noexcept;
  WorkspaceLock& operator=(WorkspaceLock&& other) noexcept;
  ~WorkspaceLock();  // The kernel releases it too when the process dies.

 private:
  explicit WorkspaceLock(int fd) : fd_(fd) {}
  int fd_ = -1;
};

// True if some process holds the lock now.
bool is_locked(const std::filesystem::path& diaryx_dir);

struct ServerInfo {
  std::int64_t pid = 0;
  std::string host;  // "127.0.0.1"
  std::uint16_t port = 0;
  std::string token;
  std::string workspace_id, epoch;
  std::int64_t started_ms = 0;
};
Status write_server_info(const std::filesystem::path& diaryx_dir, const ServerInfo& info);
// Nothing if no server is running: no file, or the lock is free (a file left by a killed server).
Result<std::optional<ServerInfo>> read_server_info(const std::filesystem::path& diaryx_dir);
void remove_server_info(const std::filesystem::path& diaryx_dir);

}  // namespace diaryx::storage
