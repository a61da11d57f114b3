// What changed on disk, whatever happens to the folder and to inotify: by events where the system
// lets us (watcher.h), by looking where it does not (poller.h), and again by events as soon as it
// does. A folder that is gone is waited for. Says in words how it stands.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "engine/filesystem/confined_root.h"
#include "engine/filesystem/poller.h"
#include "engine/filesystem/watcher.h"

namespace diaryx::filesystem {

enum class WatchMode {
  Events,   // All is well.
  Polling,  // Some folders, or all of them, are looked at by time.
  Gone,     // The root is not where it was: nothing is known of its files.
};
// "events", "polling", "gone".
std::string_view to_string(WatchMode mode) noexcept;

struct WatchState {
  WatchMode mode = WatchMode::Events;
  std::string message;  // Why, if not by events; for a person.
  std::string hint;     // What can be done about it; may be empty.
  bool operator==(const WatchState&) const = default;
};

class FolderWatch {
 public:
  struct Options {
    // Pauses between two looks: shortest after something has changed, then longer and longer. And
    // looking takes a twentieth of one processor at most.
    std::int64_t shortest_pause_ms = 1'000;
    std::int64_t longest_pause_ms = 15'000;
    // How often we try to watch what could not be watched, and look for a root that is gone.
    std::int64_t retry_ms = 20'000;
    std::int64_t look_for_root_ms = 1'000;
  };
  // Changes from then on are told: list after opening. An error only if the root cannot be opened.
  static Result<std::unique_ptr<FolderWatch>> open(const std::filesystem::path& root,
                                                   const Options& options);

  // Waits up to `timeout_ms` for something to tell. May be empty. Never asks for a rescan of a root
  // that is gone.
  Changes wait(std::int64_t timeout_ms);
  // Makes a wait() in progress, or the next one, return soon. Any thread.
  void wake() noexcept;
  // Any thread.
  WatchState state() const;

 private:
  FolderWatch(ConfinedRoot root, const Options& options);
  Changes wait_for_root(std::int64_t timeout_ms);
  Changes look();
  void open_watcher();
  void close_watcher();
  bool has_shortage() const;
  void tell_shortage();
  void root_is_gone(const Error& error);
  // Until woken.
  void sleep(std::int64_t ms);
  void become(WatchMode mode, std::string message = {}, std::string hint = {});

  const ConfinedRoot root_;
  const Options options_;
  Poller poller_;
  std::optional<Error> no_watcher_;  // Why there is none.
  std::int64_t next_look_ms_ = 0;    // Steady.
  std::int64_t next_retry_ms_ = 0;
  std::int64_t pause_ms_ = 0;

  mutable std::mutex mutex_;
  std::condition_variable awake_;
  bool woken_ = false;                // Guarded by mutex_.
  std::unique_ptr<Watcher> watcher_;  // Changed under mutex_ by wait()'s thread; wake() uses it.
  WatchState state_;                  // Guarded by mutex_.
};

}  // namespace diaryx::filesystem
