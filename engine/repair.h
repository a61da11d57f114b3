// A workspace whose store is damaged gets another one, made of what is left of the old one, of the
// files on disk and of git (sync/rebuild.h). The damaged one is kept beside it.
//
//   .diaryx/store.db.damaged-<UTC time>   with its -wal and -shm
//   .diaryx/recovered-<UTC time>/<path>   texts that were left over where another was chosen
//   .diaryx/repair                        while the one takes the place of the other: the name of
//                                         the damaged store. Until it is gone nothing opens the
//                                         workspace but the next repair, which begins anew from
//                                         there.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/random.h"
#include "engine/base/result.h"
#include "engine/sync/rebuild.h"

namespace diaryx {

struct RepairOptions {
  std::filesystem::path root;
  bool force = false;  // A healthy store, too.
  std::int64_t lock_wait_ms = 0;
};

struct RepairReport {
  std::vector<std::string> damage;       // What was found, a line each.
  bool repaired = false;                 // False: the store is healthy, and nothing was done.
  std::uint64_t failed_validations = 0;  // That were counted when it was looked at (sync/health.h).
  std::string workspace_id, epoch;
  std::filesystem::path kept_as;    // The damaged store.
  std::filesystem::path recovered;  // The folder of texts that were left over; empty: none were.
  sync::RebuildReport rebuilt;
};

// Holds the workspace lock meanwhile. Errors: NotFound (no workspace), Busy (somebody writes),
// TooNew, NoSpace, Io; then nothing has changed, or the next repair finishes it. The files on disk
// are not touched: bring them together with the documents afterwards (Workspace::reconcile).
Result<RepairReport> repair_workspace(const RepairOptions& options, const Clock& clock,
                                      Random& random);

// The error that opens no workspace whose repair was interrupted.
Status check_no_repair_pending(const std::filesystem::path& diaryx_dir);

}  // namespace diaryx
