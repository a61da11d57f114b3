#include <optional>
#include <utility>

#include <fmt/core.h>

#include "cli/command.h"
#include "cli/findings.h"
#include "cli/report.h"
#include "cli/server_client.h"
#include "cli/workspace_access.h"

namespace diaryx::cli {

namespace {

Result<UpToDate> bring(const InitOptions& options, const Context& context) {
  if (!options.audience && !options.gitignore && !options.import_db) {
    DX_TRY(const auto server, ServerClient::find(context.root));
    // Mostly nothing has changed. Whatever hinders us from knowing it is told by who looks closely.
    auto same = server ? Result<std::optional<Unchanged>>(std::nullopt)
                       : Workspace::unchanged({.root = context.root}, context.clock);
    if (same && *same)
      return UpToDate{std::move((*same)->info), std::move((*same)->report), nullptr};
  }
  return bring_up_to_date(context, Access::Create, options);
}

OrderedJson imported_json(const sync::ImportReport& took) {
  OrderedJson left_out = OrderedJson::array();
  for (const auto& [what, why] : took.left_out)
    left_out.push_back({{"what", what}, {"reason", why}});
  return {{"notes", took.notes},     {"deleted", took.deleted},
          {"known", took.known},     {"documents", took.documents},
          {"updates", took.updates}, {"left_out", std::move(left_out)},
          {"kept_aside", took.aside}};
}

void tell(const sync::ImportReport& took, const Context& context) {
  const Report& report = context.report;
  report.say(fmt::format("taken over: {}, {} deleted; the text of {} in {}; {} here already",
                         counted(took.notes, "note"), took.deleted, took.documents,
                         counted(took.updates, "update"), took.known));
  for (const auto& [what, why] : took.left_out)
    report.finding(fmt::format("not taken over: {}: {}", printable(what), printable(why)));
  for (const std::string& path : took.aside) {
    report.say(
        fmt::format("kept aside in .diaryx/imported/: {}: the database has a text that the "
                    "note has not",
                    printable(path)));
  }
}

}  // namespace

Result<ExitCode> run(const InitOptions& options, const Context& context) {
  DX_TRY(const UpToDate done, bring(options, context));
  if (done.workspace) DX_TRY_OK(done.workspace->close());
  const ReconcileReport& took = done.report;
  const Report& report = context.report;
  const std::optional<sync::ImportReport> imported =
      done.workspace ? done.workspace->imported() : std::nullopt;
  if (imported) tell(*imported, context);
  report.say(fmt::format("{}: {}, {} taken in, {} removed, {} written, in {:.2f} s",
                         printable(done.info.root.string()), counted(took.files, "note"),
                         took.updated, took.deleted, took.written,
                         static_cast<double>(took.elapsed_ms) / 1000));
  for (const auto& [path, reason] : took.skipped) {
    report.note(fmt::format("left alone: {}: {}", printable(path), printable(reason)));
  }
  if (took.left_out > 0)
    report.note(fmt::format("left out as you asked: {}", counted(took.left_out, "file")));
  OrderedJson result{{"workspace_id", done.info.workspace_id},
                     {"epoch", done.info.epoch},
                     {"files", took.files},
                     {"updated", took.updated},
                     {"deleted", took.deleted},
                     {"left_out", took.left_out},
                     {"skipped", skipped_json(took.skipped)},
                     {"elapsed_ms", took.elapsed_ms}};
  if (imported) result["imported"] = imported_json(*imported);
  report.result(result);
  return imported && !imported->left_out.empty() ? ExitCode::Findings : ExitCode::Done;
}

}  // namespace diaryx::cli
