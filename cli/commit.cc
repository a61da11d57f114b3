#include <algorithm>
#include <cstdlib>

#include <fmt/core.h>

#include "cli/command.h"
#include "cli/findings.h"
#include "cli/interrupt.h"
#include "cli/report.h"
#include "cli/server_client.h"
#include "cli/workspace_access.h"

namespace diaryx::cli {
namespace {

// What is shown of the errors that hold a commit back; `validate` shows them all.
constexpr std::size_t kShownErrors = 5;

// The author that git itself would take from the environment; the engine does not read it.
std::optional<std::string> author_from_environment() {
  const char* name = std::getenv("GIT_AUTHOR_NAME");
  const char* mail = std::getenv("GIT_AUTHOR_EMAIL");
  if (name == nullptr || mail == nullptr || *name == '\0' || *mail == '\0') return std::nullopt;
  return fmt::format("{} <{}>", name, mail);
}

std::vector<workspace::Issue> errors_in(const workspace::ValidateReport& found) {
  std::vector<workspace::Issue> errors;
  std::copy_if(
      found.issues.begin(), found.issues.end(), std::back_inserter(errors),
      [](const workspace::Issue& issue) { return issue.severity == workspace::Severity::Error; });
  return errors;
}

// The store counts how often, from one process to the next.
Result<std::uint64_t> count_validation(Workspace* ours, const Context& context, bool good) {
  if (ours != nullptr) return ours->count_validation(good);
  DX_TRY(const auto server, ServerClient::find(context.root));
  if (!server) return std::uint64_t{0};  // It has just ended; the next time counts again.
  // A server that is ending: as above. The number is advice, and must not hold a commit back.
  const auto counted_there = server->count_validation(good);
  return counted_there ? *counted_there : 0;
}

std::string advice(const std::vector<workspace::Issue>& errors, std::uint64_t failures) {
  if (failures < sync::kFailuresBeforeRebuild) return {};
  return fmt::format("diaryx-sync: validation has failed {} times in a row: {}", failures,
                     sync::rebuild_would_help(errors)
                         ? "`diaryx-sync repair` rebuilds what is damaged"
                         : "`diaryx-sync validate --fix` mends what can be mended safely");
}

ExitCode held_back(const std::vector<workspace::Issue>& errors, std::uint64_t files,
                   std::uint64_t failures, const Report& report) {
  for (std::size_t i = 0; i < std::min(errors.size(), kShownErrors); ++i)
    report.complain(issue_line(errors[i]));
  report.complain(fmt::format(
      "diaryx-sync: not committed: validation found {}; mend {}, or use --skip-validation",
      counted(errors.size(), "error"), errors.size() == 1 ? "it" : "them"));
  if (const std::string more = advice(errors, failures); !more.empty()) report.complain(more);
  report.result({{"commit", nullptr},
                 {"files", files},
                 {"changed", 0},
                 {"branch", nullptr},
                 {"failed_in_a_row", failures},
                 {"issues", issues_json(errors)}});
  return ExitCode::Findings;
}

void tell(const history::CommitReport& done, const Report& report) {
  if (done.created_repository) report.note("made a git repository here");
  for (const auto& [path, reason] : done.skipped) {
    report.note(fmt::format("not committed: {}: {}", printable(path), printable(reason)));
  }
  if (done.commit) {
    report.say(fmt::format("[{} {}] {}, {} changed", printable(done.branch),
                           done.commit->substr(0, 8), counted(done.files, "note"), done.changed));
  } else {
    report.say(fmt::format("nothing to commit: all of {} as on {}", counted(done.files, "note"),
                           printable(done.branch)));
  }
  report.result({{"commit", done.commit ? OrderedJson(*done.commit) : OrderedJson(nullptr)},
                 {"files", done.files},
                 {"changed", done.changed},
                 {"branch", done.branch}});
}

}  // namespace

Result<ExitCode> run(const CommitOptions& options, const Context& context) {
  DX_TRY(UpToDate now, bring_up_to_date(context, Access::Write));
  Workspace* const ours = now.workspace.get();
  if (ours == nullptr) {
    // `serve` keeps writing; what it has flushed can be read and committed beside it.
    DX_TRY(now.workspace, open_workspace(context, Access::Read));
  }
  if (!options.skip_validation) {
    DX_TRY(const workspace::ValidateReport found, now.workspace->validate());
    const auto errors = errors_in(found);
    DX_TRY(const std::uint64_t failures, count_validation(ours, context, errors.empty()));
    if (!errors.empty()) return held_back(errors, found.files, failures, context.report);
  }
  history::CommitOptions commit;
  commit.message = options.message;
  commit.author = options.author ? options.author : author_from_environment();
  commit.wall_ms = context.clock.wall_ms();
  // git's index lock must not be left behind.
  const FinishFirst guard;
  DX_TRY(const history::CommitReport done, now.workspace->commit(commit));
  (void)now.workspace->close();  // The commit stands; the store tidies its log file next time.
  tell(done, context.report);
  return ExitCode::Done;
}

}  // namespace diaryx::cli
