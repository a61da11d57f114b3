#include "cli/workspace_access.h"

#include <chrono>
#include <thread>
#include <utility>

#include <fmt/core.h>

#include "cli/progress.h"
#include "cli/report.h"
#include "cli/server_client.h"

namespace diaryx::cli {
namespace {

// Longer than any reconcile of a large workspace takes; a cron job rather waits than fails.
constexpr std::int64_t kLockWaitMs = 30'000;
// A stop in order takes less.
constexpr std::int64_t kStopMs = 6'000;
constexpr std::int64_t kPollMs = 20;

Result<UpToDate> through_server(const Context& context, const ServerClient& server,
                                const InitOptions& rules) {
  if (rules.audience || rules.gitignore) {
    return Error{ErrorCode::Busy, "a server is running, and keeps to the rules that it has",
                 "stop it, say which files are wanted, and start it again"};
  }
  if (rules.import_db) {
    return Error{ErrorCode::Busy,
                 "a server is running, and a database is taken over only without one",
                 "stop it, run this again, and start it again"};
  }
  DX_TRY(ReconcileReport report, server.reconcile());
  DX_TRY_OK(server.flush());
  return UpToDate{
      {context.root, server.info().workspace_id, server.info().epoch}, std::move(report), nullptr};
}

Result<UpToDate> in_this_process(const Context& context, Access access, const InitOptions& rules) {
  DX_TRY(auto workspace, open_workspace(context, access, true, rules));
  ProgressBar bar("reading", !context.report.quiet(), context.clock);
  DX_TRY(ReconcileReport report,
         workspace->reconcile(
             [&bar](std::uint64_t done, std::uint64_t total) { bar.update(done, total); }));
  WorkspaceInfo info = workspace->info();
  return UpToDate{std::move(info), std::move(report), std::move(workspace)};
}

// Whether a server that failed us was about to end, by a signal or a kill: then it is gone soon,
// and what was asked of it can be done without it. One that still takes calls meant what it said.
bool has_ended(const Context& context, const ServerClient& server) {
  if (server.status()) return false;
  const std::int64_t deadline = context.clock.steady_ms() + kStopMs;
  for (;;) {
    const auto now = ServerClient::find(context.root);
    if (now && (!*now || (*now)->info().pid != server.info().pid)) return true;
    if (context.clock.steady_ms() >= deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(kPollMs));
  }
}

}  // namespace

Result<std::unique_ptr<Workspace>> open_workspace(const Context& context, Access access,
                                                  bool write_back, const InitOptions& rules,
                                                  bool look_ahead) {
  Workspace::Options options;
  options.root = context.root;
  options.access = access;
  options.write_back = write_back;
  options.audience = rules.audience;
  options.gitignore = rules.gitignore;
  options.import_db = rules.import_db;
  options.look_ahead = look_ahead;
  options.lock_wait_ms = access == Access::Read ? 0 : kLockWaitMs;
  auto opened = Workspace::open(options, context.clock, context.random);
  if (opened) return opened;
  Error error = std::move(opened).error();
  if (error.code == ErrorCode::NotFound) {
    return std::move(error).hinted(
        fmt::format("make it a workspace with `diaryx-sync init {}`", context.root.string()));
  }
  if (error.code == ErrorCode::TooNew)
    return std::move(error).hinted("use the newer diaryx-sync that wrote it");
  if (error.code == ErrorCode::Busy)
    return std::move(error).hinted("wait for the other command to end, or stop it");
  return error;
}

Result<UpToDate> bring_up_to_date(const Context& context, Access access, const InitOptions& rules) {
  const std::int64_t deadline = context.clock.steady_ms() + kLockWaitMs;
  for (;;) {
    DX_TRY(const auto server, ServerClient::find(context.root));
    auto done =
        server ? through_server(context, *server, rules) : in_this_process(context, access, rules);
    if (done || context.clock.steady_ms() >= deadline) return done;
    if (server) {
      if (!has_ended(context, *server)) return done;
    } else {
      if (done.error().code != ErrorCode::Busy) return done;
      // A `serve` may have taken the lock between our look and our try.
      DX_TRY(const auto now, ServerClient::find(context.root));
      if (!now) return done;
    }
  }
}

}  // namespace diaryx::cli
