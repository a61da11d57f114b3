// The parts at work together: documents, disk, peers, and the turn that binds them.
//
//   events into hub() and disk()  →  end_turn(): apply → append → tell  →  disk().take_tasks()
//
// Needs a store, a clock and chance; no thread, no socket, no file. That makes it the thing to
// simulate.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "engine/filesystem/file_tree.h"
#include "engine/sync/disk_sync.h"
#include "engine/sync/documents.h"
#include "engine/sync/hub.h"

namespace diaryx::sync {

class Live {
 public:
  struct Options {
    std::string workspace_id;
    std::string epoch;
    DiskSyncOptions disk;
    Limits limits;
  };
  // All references must outlive it.
  static Result<std::unique_ptr<Live>> open(const Options& options, storage::Store& store,
                                            const Clock& clock, Random& random);

  Hub& hub() { return *hub_; }
  DiskSync& disk() { return *disk_; }
  const DiskSync& disk() const { return *disk_; }
  Documents& documents() { return *documents_; }
  const Documents& documents() const { return *documents_; }

  // Makes what happened durable, and hands out what may be told. If the store cannot be written
  // nothing is told, and those concerned are closed.
  Turn end_turn();
  // Why the store could not take what happened last; nothing once it has taken something since.
  const std::optional<Error>& store_trouble() const noexcept { return store_trouble_; }
  // Looks at the timers.
  void tick();
  // Steady ms of the next timer.
  std::optional<std::int64_t> next_due_ms() const;

  // Everything that disk and documents have to say to each other, in place and without waiting for
  // quiet times. `progress`: tasks done, tasks known so far.
  Status settle(filesystem::FileTree& files,
                const std::function<void(std::uint64_t, std::uint64_t)>& progress);

 private:
  Live(const Clock& clock, const Limits& limits) : clock_(clock), limits_(limits) {}
  Status adopt_waiting_bodies();
  Status end_silent_turn();

  const Clock& clock_;
  Limits limits_;
  std::unique_ptr<Documents> documents_;
  std::unique_ptr<DiskSync> disk_;
  std::unique_ptr<Hub> hub_;
  void look_for_foreign();

  std::int64_t next_unload_ms_ = 0;
  std::int64_t next_look_ms_ = 0;
  std::optional<Error> store_trouble_;
  bool ledger_is_foreign_ = false;  // Another process wrote; the ledger is to be read again.
};

}  // namespace diaryx::sync
