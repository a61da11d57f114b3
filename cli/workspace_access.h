// How the commands get at the workspace: in this process, or through the `serve` that holds it.
#pragma once

#include <memory>

#include "cli/command.h"
#include "engine/engine.h"

namespace diaryx::cli {

// Workspace::open with the remedies that a person at a terminal needs. Waits a while for another
// one-shot command. `look_ahead`: as there.
Result<std::unique_ptr<Workspace>> open_workspace(const Context& context, Access access,
                                                  bool write_back = true,
                                                  const InitOptions& rules = {},
                                                  bool look_ahead = false);

// A workspace whose documents and files agree as of now.
struct UpToDate {
  WorkspaceInfo info;
  ReconcileReport report;
  // Nothing if a running `serve` did the work, and still holds the workspace.
  std::unique_ptr<Workspace> workspace;
};

// Reconciles disk and documents: asks the running `serve` if there is one, else does it here, with
// a progress bar. `access` is Write (NotFound if the folder is no workspace yet) or Create. Rules
// are not changed under a running server: Busy.
Result<UpToDate> bring_up_to_date(const Context& context, Access access,
                                  const InitOptions& rules = {});

}  // namespace diaryx::cli
