#include "web/background.h"

#include <chrono>
#include <utility>

#include "engine/base/log.h"
#include "engine/base/posix.h"

namespace diaryx::web {

// --- DiskWorker ---

DiskWorker::DiskWorker(std::unique_ptr<filesystem::FileTree> files,
                       std::optional<sync::DiskResult> listed,
                       std::function<void(sync::DiskResult)> done)
    : files_(std::move(files)), listed_(std::move(listed)), done_(std::move(done)) {}

DiskWorker::~DiskWorker() {
  stop();
}

void DiskWorker::start() {
  thread_ = std::thread([this] {
    name_this_thread("bg");
    run();
  });
}

void DiskWorker::add(std::vector<sync::DiskTask> tasks) {
  {
    const std::lock_guard lock(mutex_);
    waiting_count_.fetch_add(tasks.size(), std::memory_order_relaxed);
    for (sync::DiskTask& task : tasks) tasks_.push_back(std::move(task));
  }
  wake_.notify_one();
}

void DiskWorker::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void DiskWorker::finished(sync::DiskResult result) {
  waiting_count_.fetch_sub(1, std::memory_order_relaxed);
  (result.status ? done_count_ : failed_count_).fetch_add(1, std::memory_order_relaxed);
  done_(std::move(result));
}

sync::DiskResult DiskWorker::run(sync::DiskTask task) {
  if (!listed_ || !std::holds_alternative<sync::ListTask>(task))
    return sync::run_disk_task(*files_, std::move(task));
  sync::DiskResult result = std::move(*listed_);
  listed_.reset();
  return result;
}

void DiskWorker::run() {
  for (;;) {
    std::deque<sync::DiskTask> batch;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [&] { return stopping_ || !tasks_.empty(); });
      if (tasks_.empty()) return;
      batch.swap(tasks_);
    }
    for (sync::DiskTask& task : batch) {
      sync::DiskTask copy = task;  // A failure must come back as the result of its task.
      try {
        finished(run(std::move(task)));
      } catch (const std::exception& e) {
        sync::DiskResult failed;
        failed.task = std::move(copy);
        failed.status = Error{ErrorCode::Io, std::string("the disk's thread: ") + e.what()};
        finished(std::move(failed));
      }
    }
  }
}

// --- WatchThread ---

WatchThread::WatchThread(std::unique_ptr<filesystem::FolderWatch> watch, Sinks sinks)
    : watch_(std::move(watch)), sinks_(std::move(sinks)) {}

WatchThread::~WatchThread() {
  stop();
}

void WatchThread::start() {
  thread_ = std::thread([this] {
    name_this_thread("watch");
    run();
  });
}

void WatchThread::stop() {
  stopping_ = true;
  watch_->wake();
  if (thread_.joinable()) thread_.join();
}

void WatchThread::run() {
  using filesystem::WatchMode;
  using std::chrono::steady_clock;
  auto scanned = steady_clock::now();
  while (!stopping_) {
    const auto since =
        std::chrono::duration_cast<std::chrono::milliseconds>(steady_clock::now() - scanned)
            .count();
    filesystem::Changes changes =
        since < kRescanMs ? watch_->wait(kRescanMs - since) : filesystem::Changes{{}, true};
    const WatchMode mode = watch_->state().mode;
    if (mode == WatchMode::Gone) {
      // There is nothing to list; it is listed when it is back.
      scanned = steady_clock::now();
      continue;
    }
    // Looking also finds what a listing cannot see, a file that kept its size and its time; what
    // events name of a folder that was moved is listed anyway.
    const bool both = mode == WatchMode::Polling;
    if (changes.rescan) {
      sinks_.rescan();
      scanned = steady_clock::now();
    }
    if (!changes.paths.empty() && (both || !changes.rescan))
      sinks_.changed(std::move(changes.paths));
  }
}

}  // namespace diaryx::web
