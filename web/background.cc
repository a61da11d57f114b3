#include "web/background.h"

#include <chrono>
#include <utility>

#include "engine/base/log.h"
#include "engine/base/posix.h"

namespace diaryx::web {

// --- DiskWorker ---

DiskWorker::DiskWorker(std::unique_ptr<filesystem::FileTree> files,
                       std::function<void(sync::DiskResult)> done)
    : files_(std::move(files)), done_(std::move(done)) {}

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
        done_(sync::run_disk_task(*files_, std::move(task)));
      } catch (const std::exception& e) {
        sync::DiskResult failed;
        failed.task = std::move(copy);
        failed.status = Error{ErrorCode::Io, std::string("the disk's thread: ") + e.what()};
        done_(std::move(failed));
      }
    }
  }
}

// --- WatchThread ---

WatchThread::WatchThread(std::unique_ptr<filesystem::Watcher> watcher, Sinks sinks)
    : watcher_(std::move(watcher)), sinks_(std::move(sinks)) {}

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
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (watcher_) watcher_->wake();
  if (thread_.joinable()) thread_.join();
}

void WatchThread::run() {
  using std::chrono::steady_clock;
  auto scanned = steady_clock::now();
  bool blind = watcher_ == nullptr;
  while (!stopping_) {
    const std::int64_t every = blind || watcher_->incomplete() ? kBlindRescanMs : kRescanMs;
    const auto since =
        std::chrono::duration_cast<std::chrono::milliseconds>(steady_clock::now() - scanned)
            .count();
    if (since >= every) {
      sinks_.rescan();
      scanned = steady_clock::now();
      continue;
    }
    if (blind) {
      std::unique_lock lock(mutex_);
      wake_.wait_for(lock, std::chrono::milliseconds(every - since),
                     [&] { return stopping_.load(); });
      continue;
    }
    auto changes = watcher_->wait(every - since);
    if (!changes) {
      log(LogLevel::Warning, "watch", changes.error().message + "; looking every 15 s instead");
      sinks_.rescan();
      scanned = steady_clock::now();
      blind = true;
      continue;
    }
    for (const std::string& warning : changes->warnings) log(LogLevel::Warning, "watch", warning);
    if (changes->rescan) {
      sinks_.rescan();
      scanned = steady_clock::now();
    } else if (!changes->paths.empty()) {
      sinks_.changed(std::move(changes->paths));
    }
  }
}

}  // namespace diaryx::web
