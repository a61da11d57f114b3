// What a person or a script gets to read: results on standard output as text or as one JSON
// document, everything else on standard error.
#pragma once

#include <string>
#include <string_view>

#include "cli/command.h"
#include "engine/base/json.h"
#include "engine/base/log.h"
#include "engine/base/result.h"

namespace diaryx::cli {

class Report {
 public:
  explicit Report(const GlobalOptions& options)
      : json_(options.json),
        quiet_(options.quiet),
        verbose_(options.verbose),
        log_json_(options.log_json) {}

  bool json() const noexcept { return json_; }
  bool quiet() const noexcept { return quiet_; }
  bool verbose() const noexcept { return verbose_; }

  // A line of the result for a person: standard output, unless --json or -q.
  void say(std::string_view line) const;
  // Findings are the point of the command that makes them: printed with -q too, but not with
  // --json.
  void finding(std::string_view line) const;
  // Why something was not done: standard error, always.
  void complain(std::string_view line) const;
  // A line beside the result: standard error, unless -q.
  void note(std::string_view line) const;
  // The result for a script: standard output, only with --json. Once per process, but for `serve`.
  void result(const OrderedJson& document) const;
  // "diaryx-sync: message; hint" on standard error, and with --json
  // {"error":{"code","message","hint"}} on standard output.
  void fail(const Error& error) const;
  // The same for a command line that makes no sense.
  void usage(std::string_view message) const;

 private:
  bool json_, quiet_, verbose_, log_json_;
};

// Control characters as \xNN: a file name must not be able to drive the terminal.
std::string printable(std::string_view text);
// "1 note", "2 notes".
std::string counted(std::uint64_t n, std::string_view noun);

ExitCode exit_code(const Error& error) noexcept;

}  // namespace diaryx::cli
