// What a subcommand is: a struct of options, filled by command_line.cc, and a run() that does the
// work in a file of its own.
//
// Only cli/ prints, exits, reads argv or the environment. A run() reports what it found through
// Report, returns how the process shall end, and hands every error up to main.cc, which prints it:
// one line that names the thing and the remedy.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/random.h"
#include "engine/base/result.h"

namespace diaryx::cli {

class Report;

// What the process tells its caller. Part of the public contract (docs/cli.md): never renumber.
enum class ExitCode : int {
  Done = 0,           // Done, or nothing to do.
  Findings = 1,       // validate found something; commit was held back by what it found; not all
                      // of a database could be taken over.
  Usage = 2,          // The command line makes no sense.
  Failed = 3,         // It was understood, and could not be done.
  Interrupted = 130,  // Ctrl-C or SIGTERM before it was done.
};

// The first port that `serve` tries: SYNC on a telephone's keys.
inline constexpr std::uint16_t kDefaultPort = 7962;

struct GlobalOptions {
  // The folder named by -C or as an argument; it is the workspace itself, parents are not searched.
  // Empty: not named.
  std::filesystem::path directory;
  bool json = false;
  bool quiet = false;
  bool verbose = false;
  bool log_json = false;  // The log, and whatever else goes to standard error, as JSON lines.
};

struct InitOptions {
  // Which files become notes, from now on; nothing: as it was.
  std::optional<std::string> audience;
  std::optional<bool> gitignore;
  // A Diaryx 1.4 database to take over.
  std::optional<std::filesystem::path> import_db;
};
struct ServeOptions {
  std::string host = "127.0.0.1";
  std::optional<std::uint16_t> port;  // 0: any free one. Nothing: kDefaultPort or one of the next.
  std::string token;                  // Empty: a random one.
  bool open_browser = false;
  bool write_back = true;
  std::vector<std::string> allow_hosts, allow_origins;
};
struct MaterialiseOptions {
  // Exactly one of the two is set.
  std::optional<std::filesystem::path> out, zip;
  bool force = false;  // Write into a folder that is not empty, or over a ZIP file that exists.
};
struct ValidateOptions {
  enum class Action : std::uint8_t { Look, Fix, Trial, Undo };
  Action action = Action::Look;
};
struct CommitOptions {
  std::optional<std::string> message, author;
  bool skip_validation = false;
};
struct StatusOptions {};
struct RepairCommand {
  bool force = false;  // Rebuild a healthy store, too.
};
struct ShareOptions {
  bool read_only = false;
  std::int64_t lifetime_s = 0;     // 0: until it is ended.
  bool list = false;               // Instead of making one.
  std::optional<std::string> end;  // A code; instead of making one.
};

struct TrashOptions {
  enum class Action : std::uint8_t { List, Restore, Empty };
  Action action = Action::List;
  std::vector<std::string>
      names;                      // Restore: names in the trash, or paths: then the newest of each.
  std::string to;                 // Restore: another path, for one name only.
  std::int64_t older_than_s = 0;  // Empty: only what was deleted longer ago.
};

using Command =
    std::variant<InitOptions, ServeOptions, MaterialiseOptions, ValidateOptions, CommitOptions,
                 StatusOptions, ShareOptions, TrashOptions, RepairCommand>;

// What every run() gets. Everything outlives the call.
struct Context {
  const GlobalOptions& options;
  std::filesystem::path root;  // Absolute.
  Report& report;
  const Clock& clock;
  Random& random;
};

Result<ExitCode> run(const InitOptions& options, const Context& context);
Result<ExitCode> run(const ServeOptions& options, const Context& context);
Result<ExitCode> run(const MaterialiseOptions& options, const Context& context);
Result<ExitCode> run(const ValidateOptions& options, const Context& context);
Result<ExitCode> run(const CommitOptions& options, const Context& context);
Result<ExitCode> run(const StatusOptions& options, const Context& context);
Result<ExitCode> run(const ShareOptions& options, const Context& context);
Result<ExitCode> run(const TrashOptions& options, const Context& context);
Result<ExitCode> run(const RepairCommand& options, const Context& context);

}  // namespace diaryx::cli
