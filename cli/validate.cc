#include <fmt/core.h>

#include "cli/command.h"
#include "cli/findings.h"
#include "cli/report.h"
#include "cli/workspace_access.h"

namespace diaryx::cli {

Result<ExitCode> run(const ValidateOptions&, const Context& context) {
  DX_TRY(const auto workspace, open_workspace(context, Access::Read));
  DX_TRY(const workspace::ValidateReport found, workspace->validate());
  const Report& report = context.report;
  for (const workspace::Issue& issue : found.issues) report.finding(issue_line(issue));
  report.say(
      fmt::format("{}, {} with a body: {}", counted(found.files, "note"), found.bodies,
                  found.ok() ? "nothing to report" : counted(found.issues.size(), "finding")));
  report.result({{"ok", found.ok()},
                 {"files", found.files},
                 {"bodies", found.bodies},
                 {"issues", issues_json(found.issues)}});
  return found.ok() ? ExitCode::Done : ExitCode::Findings;
}

}  // namespace diaryx::cli
