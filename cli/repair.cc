#include "engine/repair.h"

#include <fmt/core.h>

#include "cli/command.h"
#include "cli/report.h"
#include "cli/server_client.h"
#include "cli/workspace_access.h"

namespace diaryx::cli {
namespace {

constexpr std::int64_t kLockWaitMs = 5'000;
// What is shown of the faults: the first tell the story.
constexpr std::size_t kShownFaults = 10;

OrderedJson rebuilt_json(const std::vector<sync::Rebuilt>& rows) {
  OrderedJson out = OrderedJson::array();
  for (const sync::Rebuilt& row : rows)
    out.push_back({{"path", row.path}, {"source", row.source}, {"message", row.message}});
  return out;
}

ExitCode tell_healthy(const RepairReport& done, const Report& report) {
  report.say("the store is healthy: nothing was changed (--force rebuilds it all the same)");
  if (done.failed_validations > 0) {
    report.say(
        fmt::format("{} held back by what validate finds in the notes: that, a rebuild "
                    "does not mend",
                    counted(done.failed_validations, "commit")));
  }
  report.result({{"repaired", false}, {"damage", OrderedJson::array()}});
  return ExitCode::Done;
}

ExitCode tell(const RepairReport& done, const ReconcileReport& after, const Report& report) {
  bool lost = false;
  for (std::size_t i = 0; i < std::min(done.damage.size(), kShownFaults); ++i)
    report.say("found: " + printable(done.damage[i]));
  if (done.damage.size() > kShownFaults)
    report.say(fmt::format("found: and {} more", done.damage.size() - kShownFaults));
  for (const sync::Rebuilt& row : done.rebuilt.rebuilt) {
    const bool is_lost = row.source == "nothing";
    lost = lost || is_lost;
    report.finding(fmt::format("{}{}: {} [{}]", is_lost ? "LOST: " : "",
                               row.path.empty() ? "workspace" : printable(row.path),
                               printable(row.message), row.source));
  }
  for (const std::string& path : done.rebuilt.only_in_git) {
    report.say(
        fmt::format("in git only, and left there: {0} (git checkout HEAD -- '{0}' brings it "
                    "back, if it should be there)",
                    printable(path)));
  }
  report.say(fmt::format("{} as they were, {} written anew; {} now",
                         counted(done.rebuilt.whole, "document"), done.rebuilt.rebuilt.size(),
                         counted(after.files, "note")));
  report.say("the damaged store is kept as " + printable(done.kept_as.string()));
  if (!done.recovered.empty())
    report.say("texts that were left over are in " + printable(done.recovered.string()));
  report.say("pages that were open keep a copy of what they had, and start afresh");
  report.result({{"repaired", true},
                 {"workspace_id", done.workspace_id},
                 {"epoch", done.epoch},
                 {"damage", done.damage},
                 {"whole", done.rebuilt.whole},
                 {"rebuilt", rebuilt_json(done.rebuilt.rebuilt)},
                 {"only_in_git", done.rebuilt.only_in_git},
                 {"kept_as", done.kept_as.string()},
                 {"recovered", done.recovered.empty() ? OrderedJson(nullptr)
                                                      : OrderedJson(done.recovered.string())},
                 {"files", after.files}});
  return lost ? ExitCode::Findings : ExitCode::Done;
}

}  // namespace

Result<ExitCode> run(const RepairCommand& options, const Context& context) {
  // A damaged server.json is no reason not to repair.
  if (const auto server = ServerClient::find(context.root); server && *server) {
    return Error{
        ErrorCode::Busy,
        fmt::format("{}: served by process {}", context.root.string(), (*server)->info().pid),
        "stop it first: a store that is in use cannot be replaced"};
  }
  auto repaired =
      repair_workspace({.root = context.root, .force = options.force, .lock_wait_ms = kLockWaitMs},
                       context.clock, context.random);
  if (!repaired) {
    Error error = std::move(repaired).error();
    if (error.code == ErrorCode::Busy)
      return std::move(error).hinted("wait for the other command to end, or stop it");
    if (error.code == ErrorCode::NotFound)
      return std::move(error).hinted("there is nothing to repair; `diaryx-sync init` makes one");
    return error;
  }
  if (!repaired->repaired) return tell_healthy(*repaired, context.report);
  DX_TRY(const UpToDate now, bring_up_to_date(context, Access::Write));
  if (now.workspace) DX_TRY_OK(now.workspace->close());
  return tell(*repaired, now.report, context.report);
}

}  // namespace diaryx::cli
