// The threads that wait for the disk: one that does the work on files that the core decided on, in
// order, and one that watches the folder.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <thread>
#include <vector>

#include "engine/base/path.h"
#include "engine/engine.h"
#include "engine/filesystem/folder_watch.h"

namespace diaryx::web {

class DiskWorker {
 public:
  // `done` is called on the worker's thread with each result. `listed`: of a ListTask, which was
  // done before, and is the answer to the first one.
  DiskWorker(std::unique_ptr<filesystem::FileTree> files, std::optional<sync::DiskResult> listed,
             std::function<void(sync::DiskResult)> done);
  ~DiskWorker();

  void start();
  // Any thread. In this order, after those added before.
  void add(std::vector<sync::DiskTask> tasks);
  // Does what has been added, then ends.
  void stop();
  // Any thread: how many tasks ended well, ended badly, and wait.
  std::uint64_t done() const noexcept { return done_count_.load(std::memory_order_relaxed); }
  std::uint64_t failed() const noexcept { return failed_count_.load(std::memory_order_relaxed); }
  std::uint64_t waiting() const noexcept { return waiting_count_.load(std::memory_order_relaxed); }

 private:
  void run();
  sync::DiskResult run(sync::DiskTask task);
  void finished(sync::DiskResult result);
  std::atomic<std::uint64_t> done_count_{0}, failed_count_{0}, waiting_count_{0};
  const std::unique_ptr<filesystem::FileTree> files_;
  std::optional<sync::DiskResult> listed_;
  const std::function<void(sync::DiskResult)> done_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<sync::DiskTask> tasks_;  // Guarded by mutex_.
  bool stopping_ = false;             // Guarded by mutex_.
  std::thread thread_;
};

class WatchThread {
 public:
  struct Sinks {
    std::function<void(std::set<WorkspacePath>)> changed;
    std::function<void()> rescan;
  };
  WatchThread(std::unique_ptr<filesystem::FolderWatch> watch, Sinks sinks);
  ~WatchThread();

  void start();
  void stop();
  // Any thread.
  filesystem::WatchState state() const { return watch_->state(); }

  static constexpr std::int64_t kRescanMs = 5 * 60 * 1000;  // Though nothing was seen.

 private:
  void run();
  const std::unique_ptr<filesystem::FolderWatch> watch_;
  const Sinks sinks_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace diaryx::web
