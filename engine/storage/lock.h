// One process writes. `lock` in .diaryx/ is held by the writer for as long as it writes;
// `server.json` beside it (mode 0600) says how to reach a running `serve`, so that other commands
// can ask it instead.
//
// The lock is a write lock of the whole file that belongs to the open file description (fcntl
// F_OFD_SETLK): like flock(), it goes when the process dies and is not dropped when something else
// in the process closes the file; unlike flock(), it can be asked about without being taken for a
// moment, which would make another process fail. `lock` holds the holder's pid in decimal and a
// line feed, for messages only.
//
// server.json:
// {"pid":…,"host":"127.0.0.1","port":…,"token":"…","workspace_id":"…","epoch":"…","started_ms":…}
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>

#include "engine/base/posix.h"
#include "engine/base/result.h"

namespace diaryx::storage {

class WorkspaceLock {
 public:
  // Busy if another process (or another WorkspaceLock of this one) holds it after `wait_ms`; the
  // message names its pid where known. NotFound if there is no such folder. Removes what a crashed
  // holder left unfinished in the folder.
  static Result<WorkspaceLock> acquire(const std::filesystem::path& diaryx_dir,
                                       std::int64_t wait_ms);
  WorkspaceLock(WorkspaceLock&& other) noexcept;
  WorkspaceLock& operator=(WorkspaceLock&& other) noexcept;
  ~WorkspaceLock();  // The kernel releases it too when the process dies.

 private:
  explicit WorkspaceLock(Fd fd) : fd_(std::move(fd)) {}
  Fd fd_;
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
// Whole or not at all. Never ends up readable by others, whatever was there before.
Status write_server_info(const std::filesystem::path& diaryx_dir, const ServerInfo& info);
// Nothing if no server is running: no file, the lock is free, or its holder is another process than
// the one in the file (a file left by a killed server, while some other command writes). Malformed
// if the file is not as we write it.
Result<std::optional<ServerInfo>> read_server_info(const std::filesystem::path& diaryx_dir);
void remove_server_info(const std::filesystem::path& diaryx_dir);

}  // namespace diaryx::storage
