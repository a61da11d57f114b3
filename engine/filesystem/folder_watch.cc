#include "engine/filesystem/folder_watch.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "engine/base/clock.h"
#include "engine/base/log.h"

namespace diaryx::filesystem {
namespace {

constexpr std::int64_t kShareOfTime = 20;

std::int64_t now_ms() {
  return SystemClock().steady_ms();
}

}  // namespace

std::string_view to_string(WatchMode mode) noexcept {
  switch (mode) {
    case WatchMode::Events:
      return "events";
    case WatchMode::Polling:
      return "polling";
    case WatchMode::Gone:
      return "gone";
  }
  return "";
}

FolderWatch::FolderWatch(ConfinedRoot root, const Options& options)
    : root_(std::move(root)),
      options_(options),
      poller_(root_),
      pause_ms_(options.shortest_pause_ms) {}

Result<std::unique_ptr<FolderWatch>> FolderWatch::open(const std::filesystem::path& root,
                                                       const Options& options) {
  DX_TRY(ConfinedRoot confined, ConfinedRoot::open(root));
  std::unique_ptr<FolderWatch> watch(new FolderWatch(std::move(confined), options));
  watch->open_watcher();
  // What is different from now on is told, be it watched or looked at.
  if (watch->has_shortage()) {
    if (auto seen = watch->poller_.look(); !seen) watch->root_is_gone(seen.error());
  }
  return watch;
}

// --- State ---

void FolderWatch::become(WatchMode mode, std::string message, std::string hint) {
  WatchState next{mode, std::move(message), std::move(hint)};
  const std::lock_guard lock(mutex_);
  if (state_ == next) return;
  // The number of folders changes all the time: one line is enough.
  if (state_.mode != next.mode) {
    if (mode == WatchMode::Events) {
      log(LogLevel::Warning, "watch", root_.path().string() + ": is watched again");
    } else {
      log(LogLevel::Warning, "watch",
          next.message + (next.hint.empty() ? std::string() : "; " + next.hint));
    }
  }
  state_ = std::move(next);
}

WatchState FolderWatch::state() const {
  const std::lock_guard lock(mutex_);
  return state_;
}

bool FolderWatch::has_shortage() const {
  return watcher_ == nullptr || watcher_->shortage().has_value();
}

void FolderWatch::tell_shortage() {
  std::optional<Error> why = watcher_ ? watcher_->shortage() : no_watcher_;
  if (!why) return become(WatchMode::Events);
  become(WatchMode::Polling, std::move(why->message) + "; changes there are looked for by time",
         std::move(why->hint));
}

void FolderWatch::root_is_gone(const Error& error) {
  close_watcher();
  std::error_code ignored;  // Then it is not there either.
  if (std::filesystem::exists(root_.path(), ignored)) {
    return become(WatchMode::Gone,
                  root_.path().string() +
                      ": another folder is in the place of the one that is served (is something "
                      "not mounted?); nothing is read from it or written to it",
                  "put the old one back, or stop serve and start it again for the new one");
  }
  become(WatchMode::Gone, error.message, "put it back; nothing counts as deleted until then");
}

// --- The watcher ---

void FolderWatch::open_watcher() {
  next_retry_ms_ = now_ms() + options_.retry_ms;
  auto opened = Watcher::open(root_.path());
  if (const Status there = root_.check_in_place(); !there) return root_is_gone(there.error());
  if (opened) {
    const std::lock_guard lock(mutex_);
    watcher_ = std::move(*opened);
  } else {
    no_watcher_ = std::move(opened).error();
  }
  tell_shortage();
}

void FolderWatch::close_watcher() {
  const std::lock_guard lock(mutex_);
  watcher_.reset();
}

void FolderWatch::wake() noexcept {
  {
    const std::lock_guard lock(mutex_);
    woken_ = true;
    if (watcher_) watcher_->wake();
  }
  awake_.notify_all();
}

void FolderWatch::sleep(std::int64_t ms) {
  std::unique_lock lock(mutex_);
  awake_.wait_for(lock, std::chrono::milliseconds(std::max<std::int64_t>(ms, 0)),
                  [this] { return woken_; });
  woken_ = false;
}

// --- Waiting ---

Changes FolderWatch::wait(std::int64_t timeout_ms) {
  if (state().mode == WatchMode::Gone) return wait_for_root(timeout_ms);
  std::int64_t wait_ms = timeout_ms;
  const bool polling = has_shortage();
  if (polling) wait_ms = std::clamp<std::int64_t>(next_look_ms_ - now_ms(), 0, timeout_ms);
  Changes changes;
  if (watcher_ == nullptr) {
    sleep(wait_ms);
  } else {
    auto told = watcher_->wait(wait_ms);
    if (!told) {
      root_is_gone(told.error());
      return {};
    }
    changes = std::move(*told);
    if (!polling && has_shortage()) {
      tell_shortage();
      next_retry_ms_ = now_ms() + options_.retry_ms;
    }
  }
  if (!polling || now_ms() < next_look_ms_ || changes.rescan) return changes;
  Changes seen = look();
  changes.paths.merge(seen.paths);
  changes.rescan = changes.rescan || seen.rescan;
  return changes;
}

Changes FolderWatch::wait_for_root(std::int64_t timeout_ms) {
  sleep(std::min(timeout_ms, options_.look_for_root_ms));
  if (const Status there = root_.check_in_place(); !there) {
    root_is_gone(there.error());
    return {};
  }
  poller_.forget();
  pause_ms_ = options_.shortest_pause_ms;
  open_watcher();
  // Watched first, listed then.
  return {.paths = {}, .rescan = state().mode != WatchMode::Gone};
}

Changes FolderWatch::look() {
  const std::int64_t now = now_ms();
  if (now >= next_retry_ms_) {
    next_retry_ms_ = now + options_.retry_ms;
    if (watcher_ == nullptr) {
      open_watcher();
    } else {
      (void)watcher_->retry();  // What is still missing is told below.
      tell_shortage();
    }
    if (state().mode == WatchMode::Gone) return {};
    if (!has_shortage()) {
      poller_.forget();
      return {.paths = {}, .rescan = true};
    }
  }
  auto seen = poller_.look();
  if (!seen) {
    root_is_gone(seen.error());
    return {};
  }
  const bool quiet = seen->paths.empty() && !seen->rescan;
  pause_ms_ = quiet ? std::min(pause_ms_ + pause_ms_ / 2, options_.longest_pause_ms)
                    : options_.shortest_pause_ms;
  next_look_ms_ = now_ms() + std::max(pause_ms_, poller_.cost_ms() * kShareOfTime);
  return std::move(*seen);
}

}  // namespace diaryx::filesystem
