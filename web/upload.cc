#include "web/upload.h"

#include <utility>

namespace diaryx::web {

Upload::Upload(filesystem::DiskTree& files, WorkspacePath path,
               std::function<void(std::function<void()>)> run, std::atomic<int>& running)
    : files_(files), path_(std::move(path)), run_(std::move(run)), running_(running) {
  ++running_;
}

Upload::~Upload() {
  --running_;
}

void Upload::schedule() {
  run_([self = shared_from_this()] {
    std::unique_lock lock(self->mutex_);
    self->scheduled_ = false;
    self->drain(lock);
  });
}

void Upload::take(std::string_view octets) {
  {
    const std::lock_guard lock(mutex_);
    waiting_.append(octets);
    if (std::exchange(scheduled_, true)) return;
  }
  schedule();
}

bool Upload::full() const {
  const std::lock_guard lock(mutex_);
  return waiting_.size() >= kWindowBytes;
}

void Upload::on_room(std::function<void()> wake) {
  wake_ = std::move(wake);
}

void Upload::end(bool whole) {
  if (whole) return;
  {
    const std::lock_guard lock(mutex_);
    abandoned_ = true;
    waiting_.clear();
    if (std::exchange(scheduled_, true)) return;
  }
  schedule();
}

void Upload::drain(std::unique_lock<std::mutex>& lock) {
  while (busy_) written_.wait(lock);
  busy_ = true;
  while (!waiting_.empty() && !abandoned_) {
    const bool was_full = waiting_.size() >= kWindowBytes;
    const std::string piece = std::exchange(waiting_, {});
    lock.unlock();
    if (was_full && wake_) wake_();
    write(piece);
    lock.lock();
  }
  if (abandoned_) {
    lock.unlock();
    writer_.reset();  // Removes what was written.
    lock.lock();
  }
  busy_ = false;
  written_.notify_all();
}

void Upload::write(std::string_view octets) {
  if (failed_) return;  // Read to its end all the same, so that the client hears the answer.
  if (!writer_) {
    auto made = files_.start_file(path_);
    if (!made) {
      failed_ = std::move(made).error();
      return;
    }
    writer_ = std::move(*made);
  }
  if (Status done = writer_->write(octets); !done) {
    failed_ = std::move(done).error();
    writer_.reset();
  }
}

Result<filesystem::FileWriter*> Upload::finish() {
  std::unique_lock lock(mutex_);
  drain(lock);
  if (!writer_ && !failed_) write({});  // An empty file.
  if (failed_) return *failed_;
  return writer_.get();
}

}  // namespace diaryx::web
