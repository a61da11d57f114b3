#include <fmt/core.h>

#include "cli/command.h"
#include "cli/findings.h"
#include "cli/report.h"
#include "cli/server_client.h"
#include "cli/workspace_access.h"

namespace diaryx::cli {
namespace {

using Action = ValidateOptions::Action;

// What was mended, as the engine or the server tells it: [{"kind","path","message"}].
Result<OrderedJson> mend(const UpToDate& now, const Context& context, bool trial) {
  if (now.workspace) {
    DX_TRY(const sync::HealReport report, now.workspace->mend(trial));
    DX_TRY_OK(now.workspace->reconcile());
    OrderedJson fixed = OrderedJson::array();
    for (const sync::Mended& mended : report.mended) fixed.push_back(to_json(mended));
    return fixed;
  }
  DX_TRY(const auto server, ServerClient::find(context.root));
  if (!server) return Error{ErrorCode::Busy, "the server has just ended", "try again"};
  DX_TRY(OrderedJson answer, server->mend(trial));
  DX_TRY_OK(server->flush());
  return answer.contains("fixed") ? answer["fixed"] : OrderedJson::array();
}

Result<OrderedJson> undo(const UpToDate& now, const Context& context) {
  if (now.workspace) {
    DX_TRY(const sync::UndoReport report, now.workspace->undo_mending());
    DX_TRY_OK(now.workspace->reconcile());
    return to_json(report);
  }
  DX_TRY(const auto server, ServerClient::find(context.root));
  if (!server) return Error{ErrorCode::Busy, "the server has just ended", "try again"};
  DX_TRY(OrderedJson answer, server->undo_mending());
  DX_TRY_OK(server->flush());
  return answer;
}

std::string text_at(const OrderedJson& row, const char* key) {
  const auto it = row.is_object() ? row.find(key) : row.end();
  return it != row.end() && it->is_string() ? it->get<std::string>() : std::string();
}

Result<ExitCode> take_back(const Context& context) {
  DX_TRY(const UpToDate now, bring_up_to_date(context, Access::Write));
  DX_TRY(const OrderedJson done, undo(now, context));
  if (now.workspace) DX_TRY_OK(now.workspace->close());
  for (const OrderedJson& path : done["undone"])
    context.report.say("taken back: " + printable(path.get<std::string>()));
  for (const OrderedJson& path : done["kept"])
    context.report.note("changed again since, and left as it is: " +
                        printable(path.get<std::string>()));
  context.report.result(done);
  return ExitCode::Done;
}

// Mends, or says what would be mended, and then says what is left.
Result<ExitCode> look(const Context& context, Action action) {
  OrderedJson fixed;
  UpToDate now;
  if (action != Action::Look) {
    DX_TRY(now, bring_up_to_date(context, Access::Write));
    DX_TRY(fixed, mend(now, context, action == Action::Trial));
  }
  if (!now.workspace) {
    DX_TRY(now.workspace, open_workspace(context, Access::Read));
  }
  DX_TRY(const workspace::ValidateReport found, now.workspace->validate());
  DX_TRY_OK(now.workspace->close());
  const Report& report = context.report;
  for (const OrderedJson& row : fixed) {
    report.say(fmt::format("{}: {}: {} [{}]", printable(text_at(row, "path")),
                           action == Action::Trial ? "would be mended" : "mended",
                           printable(text_at(row, "message")), text_at(row, "kind")));
  }
  for (const workspace::Issue& issue : found.issues) report.finding(issue_line(issue));
  report.say(
      fmt::format("{}, {} with a body: {}", counted(found.files, "note"), found.bodies,
                  found.ok() ? "nothing to report" : counted(found.issues.size(), "finding")));
  OrderedJson result{{"ok", found.ok()}, {"files", found.files}, {"bodies", found.bodies}};
  if (action != Action::Look) result["fixed"] = std::move(fixed);
  result["issues"] = issues_json(found.issues);
  report.result(result);
  return found.ok() ? ExitCode::Done : ExitCode::Findings;
}

// A store that does not open is a finding as well, and the only one that can be told.
Result<ExitCode> tell_damaged(const Error& error, const Context& context) {
  workspace::Issue issue;
  issue.kind = workspace::IssueKind::DamagedStore;
  issue.severity = workspace::Severity::Error;
  issue.key = "store.db";
  issue.message = "the store is damaged: " + error.message;
  const Report& report = context.report;
  report.finding(issue_line(issue));
  report.say(error.hint);
  report.result({{"ok", false}, {"files", 0}, {"bodies", 0}, {"issues", issues_json({issue})}});
  return ExitCode::Findings;
}

}  // namespace

Result<ExitCode> run(const ValidateOptions& options, const Context& context) {
  if (options.action == Action::Undo) return take_back(context);
  auto looked = look(context, options.action);
  const bool damaged = !looked && looked.error().code == ErrorCode::Corrupt;
  if (damaged && options.action == Action::Look) return tell_damaged(looked.error(), context);
  return looked;
}

}  // namespace diaryx::cli
