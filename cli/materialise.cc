#include <set>
#include <string>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "cli/command.h"
#include "cli/findings.h"
#include "cli/report.h"
#include "cli/workspace_access.h"
#include "engine/filesystem/export.h"

namespace diaryx::cli {
namespace {

namespace fs = std::filesystem;

// Everything that is on disk and is no note: attachments, and Markdown that could not be taken in.
// (Markdown that could, and is no note now, was deleted or moved; its file is about to follow.)
Result<std::vector<WorkspacePath>> other_files(Workspace& workspace, filesystem::DiskTree& tree) {
  DX_TRY(const workspace::ValidateReport found, workspace.validate());
  std::set<std::string> unreadable;
  for (const workspace::Issue& issue : found.issues) {
    if (issue.kind == workspace::IssueKind::UnreadableFile) unreadable.insert(issue.path);
  }
  DX_TRY(const filesystem::Listing listing, tree.list());
  std::vector<WorkspacePath> others;
  for (const filesystem::Listed& file : listing.files) {
    if (!file.path.is_markdown() || unreadable.contains(file.path.str()))
      others.push_back(file.path);
  }
  return others;
}

Result<filesystem::ExportReport> export_to(const MaterialiseOptions& options,
                                           const filesystem::ExportSource& source) {
  if (options.out)
    return filesystem::export_to_folder(*options.out, source, {.force = options.force});
  std::error_code error;
  if (!options.force && fs::exists(fs::symlink_status(*options.zip, error))) {
    return Error{ErrorCode::AlreadyExists, options.zip->string() + ": is there already",
                 "name another file, or replace this one with --force"};
  }
  return filesystem::export_to_zip(*options.zip, source);
}

}  // namespace

Result<ExitCode> run(const MaterialiseOptions& options, const Context& context) {
  DX_TRY(const auto workspace, open_workspace(context, Access::Read));
  DX_TRY(const filesystem::FileSet notes, workspace->render());
  DX_TRY(const auto tree, filesystem::DiskTree::open(context.root));
  DX_TRY(const std::vector<WorkspacePath> others, other_files(*workspace, *tree));
  DX_TRY(const filesystem::ExportReport done,
         export_to(options, {.files = notes, .tree = tree.get(), .others = others}));

  const std::string target = (options.out ? *options.out : *options.zip).string();
  std::vector<std::pair<std::string, std::string>> skipped;
  for (const filesystem::Skipped& file : done.skipped) skipped.emplace_back(file.path, file.reason);
  const Report& report = context.report;
  report.say(fmt::format("{}: {} and {}", printable(target), counted(notes.size(), "note"),
                         counted(done.files - notes.size(), "other file")));
  for (const auto& [path, reason] : skipped) {
    report.complain(fmt::format("not brought along: {}: {}", printable(path), printable(reason)));
  }
  report.result({{"target", target},
                 {"files", notes.size()},
                 {"others", done.files - notes.size()},
                 {"skipped", skipped_json(skipped)}});
  return ExitCode::Done;
}

}  // namespace diaryx::cli
