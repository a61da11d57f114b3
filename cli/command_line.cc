#include "cli/command_line.h"

#include <algorithm>
#include <charconv>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

namespace diaryx::cli {
namespace {

constexpr const char* kAbout =
    "Makes a folder of Markdown notes live: edit them in browsers and in any editor at once, and "
    "keep them in git.";

constexpr const char* kFooter = R"(Exit codes:
  0 done or nothing to do   1 findings   2 usage   3 failed   130 interrupted

Examples:
  diaryx-sync serve ~/journal          edit ~/journal in the browser
  diaryx-sync validate && diaryx-sync commit -m "Sunday evening"
  diaryx-sync --json status -C ~/journal
`diaryx-sync COMMAND --help` shows more of each.)";

constexpr const char* kInitExamples = R"(
Examples:
  diaryx-sync init                     the folder you are in
  diaryx-sync init ~/journal           another one; a second run takes in what has changed, and resets nothing
  diaryx-sync init --json ~/journal | jq .files)";

constexpr const char* kServeExamples = R"(
Examples:
  diaryx-sync serve ~/journal --open   and show it in the browser
  diaryx-sync serve --port 0 --json    any free port; one line of JSON once it accepts connections
  diaryx-sync serve --no-write-back    documents change, files do not)";

constexpr const char* kMaterialiseExamples = R"(
Examples:
  diaryx-sync materialise --out /media/stick/journal
  diaryx-sync materialise --zip journal.zip
  diaryx-sync materialise -C ~/journal --out ~/copy --force)";

constexpr const char* kValidateExamples = R"x(
Examples:
  diaryx-sync validate ~/journal
  diaryx-sync validate --fix
  diaryx-sync validate --json | jq -r '.issues[] | "\(.path): \(.message)"')x";

constexpr const char* kCommitExamples = R"(
Examples:
  diaryx-sync commit -m "Holiday notes"
  diaryx-sync commit --author "Ada <ada@example.org>"
  0 * * * *  diaryx-sync commit -q -C ~/journal     in a crontab, also while `serve` runs)";

constexpr const char* kRepairExamples = R"(
Examples:
  diaryx-sync repair                   after validate, or any command, has said that the store is damaged
  diaryx-sync repair --json ~/journal | jq .rebuilt)";

constexpr const char* kStatusExamples = R"(
Examples:
  diaryx-sync status
  diaryx-sync status --json | jq -r .server.url)";

constexpr const char* kShareExamples = R"(
Examples:
  diaryx-sync share                    a code and a link; guests may edit until it is ended
  diaryx-sync share --read-only --expires 2h
  diaryx-sync share --list
  diaryx-sync share --end ABCD1234-WXYZ5678)";

constexpr const char* kTrashExamples = R"(
Examples:
  diaryx-sync trash list
  diaryx-sync trash restore work/plan.md            the newest of that path
  diaryx-sync trash restore work/plan.md --to work/old-plan.md
  diaryx-sync trash empty --older-than 30d)";

// "90s", "30m", "2h", "7d" → seconds; nothing if it is anything else, or longer than a year.
std::optional<std::int64_t> parse_duration(std::string_view text) {
  constexpr std::int64_t kYearS = 366LL * 24 * 60 * 60;
  std::int64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  const std::int64_t seconds = unit == "s" ? 1 : unit == "m" ? 60 : unit == "h" ? 3'600 : 86'400;
  if (error != std::errc() || count < 1 || count > kYearS / seconds) return std::nullopt;
  if (unit != "s" && unit != "m" && unit != "h" && unit != "d") return std::nullopt;
  return count * seconds;
}

// Everything that CLI11 fills, alive until the last look at it.
struct Parser {
  CLI::App app{kAbout, "diaryx-sync"};
  GlobalOptions global;
  std::string directory;   // -C
  std::string positional;  // [DIR] of whichever subcommand
  ServeOptions serve;
  MaterialiseOptions materialise;
  CommitOptions commit;
  ShareOptions share;
  TrashOptions trash;
  RepairCommand repair;
  ValidateOptions validate;
  InitOptions init;
  std::vector<std::pair<CLI::App*, std::function<Command()>>> commands;

  CLI::App& add(const char* name, const char* about, const char* examples,
                std::function<Command()> make) {
    CLI::App& sub = *app.add_subcommand(name, about);
    sub.footer(examples);
    sub.add_option("DIR", positional, "The workspace; the same as -C")->type_name("");
    commands.emplace_back(&sub, std::move(make));
    return sub;
  }
};

void add_global(Parser& p) {
  p.app.fallthrough();
  p.app.require_subcommand(1);
  p.app.footer(kFooter);
  p.app.set_version_flag("--version", "diaryx-sync " DIARYX_VERSION);
  p.app
      .add_option(
          "-C", p.directory,
          "The workspace (default: the nearest parent with .diaryx/, else the current directory)")
      ->type_name("DIR");
  p.app.add_flag("--json", p.global.json, "One JSON document on standard output, and nothing else");
  p.app.add_flag("-q,--quiet", p.global.quiet, "Say nothing but errors");
  p.app.add_flag("-v,--verbose", p.global.verbose, "Say more, and log what happens");
  p.app.add_flag("--log-json", p.global.log_json,
                 "Log to standard error, one JSON object a line (-v: in detail)");
}

// An option that takes a time like 30m, into `seconds`.
CLI::Option* add_duration(CLI::App& to, const char* name, std::int64_t& seconds,
                          const char* about) {
  return to
      .add_option_function<std::string>(
          name,
          [name, &seconds](const std::string& text) {
            const auto parsed = parse_duration(text);
            if (!parsed) throw CLI::ValidationError(name, "not a time like 30m, 2h, 7d");
            seconds = *parsed;
          },
          about)
      ->type_name("TIME");
}

// The one command with commands of its own. The workspace is named by -C, because what follows
// `restore` is names.
void add_trash(Parser& p) {
  CLI::App& trash =
      *p.app.add_subcommand("trash", "What was deleted: list it, bring it back, or empty it");
  trash.footer(kTrashExamples);
  trash.require_subcommand(1);
  trash.fallthrough();
  p.commands.emplace_back(&trash, [&p] { return Command(p.trash); });
  const auto set = [&p](TrashOptions::Action action) {
    return [&p, action] { p.trash.action = action; };
  };
  trash.add_subcommand("list", "What is in the trash, oldest first")
      ->callback(set(TrashOptions::Action::List));
  CLI::App& restore = *trash.add_subcommand("restore", "Bring files back where they were");
  restore.callback(set(TrashOptions::Action::Restore));
  restore.add_option("NAME", p.trash.names, "Names from the list, or paths")->required();
  restore.add_option("--to", p.trash.to, "Bring it back to this path")->type_name("PATH");
  CLI::App& empty = *trash.add_subcommand("empty", "Remove what is in the trash for good");
  empty.callback(set(TrashOptions::Action::Empty));
  add_duration(empty, "--older-than", p.trash.older_than_s, "Only what was deleted longer ago");
}

void add_commands(Parser& p) {
  CLI::App& init = p.add("init", "Make the folder a workspace, or take in what has changed on disk",
                         kInitExamples, [&p] { return Command(p.init); });
  init.add_option("--audience", p.init.audience,
                  "Only notes that this audience may read become part of it; '*': all do")
      ->type_name("NAME");
  init.add_flag_function(
      "--gitignore,!--no-gitignore", [&p](std::int64_t on) { p.init.gitignore = on > 0; },
      "Leave out what git ignores; or take it in again");
  init.add_option("--import-db", p.init.import_db,
                  "Take over the notes and their history from a database of Diaryx 1.4")
      ->type_name("FILE");

  CLI::App& serve = p.add("serve", "Serve the workspace to browsers until Ctrl-C", kServeExamples,
                          [&p] { return Command(p.serve); });
  serve
      .add_option("--port", p.serve.port,
                  "Port; 0 = any free one (default: 7962, or the next free one)")
      ->type_name("PORT");
  serve.add_option("--host", p.serve.host, "Address to listen on")
      ->type_name("ADDRESS")
      ->capture_default_str();
  serve
      .add_option("--token", p.serve.token, "The secret that clients need (default: a random one)")
      ->type_name("TEXT")
      ->envname("DIARYX_SYNC_TOKEN");
  serve.add_flag("--open", p.serve.open_browser, "Open the page in the browser");
  serve.add_flag("!--no-write-back", p.serve.write_back, "Never change files on disk");
  serve
      .add_option("--allow-host", p.serve.allow_hosts,
                  "Accept this name in Host headers too; repeatable")
      ->type_name("NAME")
      ->allow_extra_args(false);
  serve
      .add_option("--allow-origin", p.serve.allow_origins,
                  "Accept pages of this origin too; repeatable")
      ->type_name("URL")
      ->allow_extra_args(false);

  CLI::App& materialise =
      p.add("materialise", "Write the documents as files, attachments along with them",
            kMaterialiseExamples, [&p] { return Command(p.materialise); });
  materialise.alias("materialize");
  CLI::Option_group& target = *materialise.add_option_group("Target", "Where to (exactly one)");
  target
      .add_option("--out", p.materialise.out, "Into this folder, which must be empty or not there")
      ->type_name("DIR");
  target.add_option("--zip", p.materialise.zip, "Into this ZIP file, which must not exist")
      ->type_name("FILE");
  target.require_option(1);
  materialise.add_flag("--force", p.materialise.force,
                       "Write into a folder that is not empty, or over a file");

  CLI::App& validate =
      p.add("validate", "Look for broken links, cycles, files that cannot be read; changes nothing",
            kValidateExamples, [&p] { return Command(p.validate); });
  const auto does = [&p](ValidateOptions::Action action) {
    return [&p, action](std::int64_t) { p.validate.action = action; };
  };
  CLI::Option* fix = validate.add_flag_function("--fix", does(ValidateOptions::Action::Fix),
                                                "Mend what is safe to mend, and say what was done");
  CLI::Option* trial = validate.add_flag_function("--dry-run", does(ValidateOptions::Action::Trial),
                                                  "Say what --fix would do, and change nothing");
  validate
      .add_flag_function("--undo", does(ValidateOptions::Action::Undo),
                         "Take back what the last --fix did")
      ->excludes(fix)
      ->excludes(trial);
  fix->excludes(trial);

  CLI::App& commit = p.add("commit", "Commit the notes to git, and nothing else with them",
                           kCommitExamples, [&p] { return Command(p.commit); });
  commit
      .add_option("-m,--message", p.commit.message,
                  "Message (default: \"Workspace snapshot at …\")")
      ->type_name("TEXT");
  commit
      .add_option(
          "--author", p.commit.author,
          "Author (default: GIT_AUTHOR_NAME and GIT_AUTHOR_EMAIL, else git's configuration)")
      ->type_name("'NAME <MAIL>'");
  commit.add_flag("--skip-validation", p.commit.skip_validation,
                  "Commit even if validation finds errors");

  CLI::App& share = p.add("share", "Let guests in: a code and a link for the server that runs",
                          kShareExamples, [&p] { return Command(p.share); });
  CLI::Option* read_only =
      share.add_flag("--read-only", p.share.read_only, "Guests may read, not write");
  CLI::Option* expires =
      add_duration(share, "--expires", p.share.lifetime_s,
                   "How long the code is good: 30m, 2h, 7d (default: until it is ended)");
  CLI::Option* list = share.add_flag("--list", p.share.list, "Show the codes that are good now");
  CLI::Option* end =
      share.add_option("--end", p.share.end, "End this code; its guests are sent away")
          ->type_name("CODE");
  list->excludes(read_only)->excludes(expires)->excludes(end);
  end->excludes(read_only)->excludes(expires);

  add_trash(p);
  p.add("repair", "Rebuild a damaged store from what is left, the files and git", kRepairExamples,
        [&p] { return Command(p.repair); })
      .add_flag("--force", p.repair.force, "Rebuild a healthy store, too");
  p.add("status", "What is here, what is served, what is pending", kStatusExamples,
        [] { return Command(StatusOptions{}); });
}

// CLI11's sentences can have several lines; ours is one.
std::string one_line(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  while (!text.empty() && (text.back() == ' ' || text.back() == '.')) text.pop_back();
  return text;
}

CommandLine usage(std::string what, GlobalOptions global) {
  return {std::move(global), std::nullopt, one_line(std::move(what)), ExitCode::Usage};
}

}  // namespace

CommandLine parse_command_line(int argc, const char* const* argv) {
  Parser p;
  try {
    add_global(p);
    add_commands(p);
    p.app.parse(argc, argv);
  } catch (const CLI::CallForVersion& version) {
    return {p.global, std::nullopt, std::string(version.what()) + "\n", ExitCode::Done};
  } catch (const CLI::CallForHelp&) {
    const auto parsed = p.app.get_subcommands();
    const CLI::App& asked = parsed.empty() ? p.app : *parsed.front();
    return {p.global, std::nullopt, asked.help(parsed.empty() ? "" : "diaryx-sync"),
            ExitCode::Done};
  } catch (const CLI::Error& error) {
    // A command line that was not understood may not have got as far as its --json.
    p.global.json = std::find(argv, argv + argc, std::string_view("--json")) != argv + argc;
    return usage(error.what(), p.global);
  }
  if (!p.directory.empty() && !p.positional.empty() && p.directory != p.positional) {
    return usage("-C " + p.directory + " and " + p.positional + " name two workspaces", p.global);
  }
  if (p.global.quiet && p.global.verbose) return usage("-q and -v exclude each other", p.global);
  p.global.directory = p.directory.empty() ? p.positional : p.directory;
  for (const auto& [sub, make] : p.commands) {
    if (sub->parsed()) return {p.global, make(), {}, ExitCode::Done};
  }
  return usage("no command given", p.global);
}

}  // namespace diaryx::cli
