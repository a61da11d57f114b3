// A workspace that is lived in while every step on its disk is recorded (crash_test.cc): peers
// type, a person saves files, notes are made, moved and deleted, the server is started again. What
// somebody was told, and when, is noted beside it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "engine/filesystem/disk_tree.h"
#include "tests/support/crash_disk.h"
#include "tests/support/live_world.h"
#include "tests/support/temp_dir.h"

namespace diaryx::test {

// What `serve` is, without sockets and threads, on a real folder.
class Server {
 public:
  static Result<std::unique_ptr<Server>> start(const std::filesystem::path& root,
                                               const Clock& clock, Random& random);
  Workspace& workspace() { return *workspace_; }
  // Turns, tasks and deliveries until nobody has anything to say.
  void run();
  Peer& connect(sync::ConnectionId id, std::uint64_t client_id);

  std::vector<std::unique_ptr<Peer>> peers;
  std::function<void()> after_turn = [] {};
  std::function<void(const sync::DiskResult&)> after_task = [](const sync::DiskResult&) {};

 private:
  explicit Server(const Clock& clock) : clock_(clock) {}
  const Clock& clock_;
  std::unique_ptr<Workspace> workspace_;
  std::unique_ptr<filesystem::DiskTree> files_;
};

// "<m17>": put in once, so it must be there once.
std::map<std::string, int> count_marks(const std::string& text);

// Everything that is promised at some moment, and what happened to whom.
struct CrashRun {
  struct Mark {
    std::size_t note;  // Of which note: CrashRun::notes.
    // Step from which on it must be there: another peer was shown it, or the person has saved it.
    std::size_t shown = SIZE_MAX;
    std::size_t saved = SIZE_MAX;
  };
  struct Note {
    std::string id;
    std::size_t gone = SIZE_MAX;  // From this step on it may be deleted.
  };
  // What a peer holds once it has been told of the turn that ended at `step`.
  struct Held {
    std::size_t step;
    std::map<std::string, Buffer> docs;  // Wire id → the document as an update.
  };
  struct Version {
    std::size_t step;  // From this one on.
    std::optional<std::string> bytes;
  };

  explicit CrashRun(std::uint64_t seed, bool ignore_syncs = false);

  CrashDisk disk;
  std::map<std::string, Mark> marks;
  std::vector<Note> notes;
  std::vector<Held> held;
  std::string epoch;
  // Of each note's path, what programs saw there, ascending.
  std::map<std::string, std::vector<Version>> versions;
  // Path → steps at which the engine had been told that the file is on disk.
  std::map<std::string, std::vector<std::size_t>> settled;
  // What the person saved (the whole file).
  std::set<std::string> by_person;
  std::int64_t last_mtime_ns = 0;
};

}  // namespace diaryx::test
