// A request's body that is written to disk while it arrives: the net thread hands pieces over, the
// handlers' threads write them, and at most kWindowBytes wait in between: then nothing more is read
// from the socket. However large the file is, and however slow the sender, it costs neither memory
// nor a thread.
//
//   net:       take() … take() end(whole)
//   handlers:           write … write       finish() → install, by the route
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "engine/base/path.h"
#include "engine/filesystem/disk_tree.h"
#include "web/http_request.h"

namespace diaryx::web {

class Upload final : public BodySink, public std::enable_shared_from_this<Upload> {
 public:
  static constexpr std::size_t kWindowBytes = 1U << 20U;

  // `run` has a task done on one of the handlers' threads. `running` is counted up as long as it
  // lives. All must outlive it.
  Upload(filesystem::DiskTree& files, WorkspacePath path,
         std::function<void(std::function<void()>)> run, std::atomic<int>& running);
  ~Upload() override;

  // --- Net thread ---
  void take(std::string_view octets) override;
  bool full() const override;
  void on_room(std::function<void()> wake) override;
  void end(bool whole) override;

  // --- A handler's thread, after end(true) ---
  // Everything is written, if not yet synced. The writer is this object's.
  Result<filesystem::FileWriter*> finish();
  const WorkspacePath& path() const noexcept { return path_; }

 private:
  // Writes what waits; `lock` is held before and after.
  void drain(std::unique_lock<std::mutex>& lock);
  void write(std::string_view octets);
  void schedule();

  filesystem::DiskTree& files_;
  const WorkspacePath path_;
  const std::function<void(std::function<void()>)> run_;
  std::atomic<int>& running_;
  std::function<void()> wake_;

  mutable std::mutex mutex_;
  std::condition_variable written_;
  std::string waiting_;     // Guarded by mutex_.
  bool scheduled_ = false;  // Guarded by mutex_.
  bool busy_ = false;       // Guarded by mutex_: somebody writes.
  bool abandoned_ = false;  // Guarded by mutex_.
  // Of whoever is busy.
  std::unique_ptr<filesystem::FileWriter> writer_;
  std::optional<Error> failed_;
};

}  // namespace diaryx::web
