// argv → options. The only place that knows CLI11, which takes seconds to compile.
#pragma once

#include <optional>
#include <string>

#include "cli/command.h"

namespace diaryx::cli {

struct CommandLine {
  GlobalOptions global;
  // Nothing: there is nothing to run. Then `text` is to be printed: on standard output if `exit` is
  // Done (--help, --version), else on standard error, where it is one line.
  std::optional<Command> command;
  std::string text;
  ExitCode exit = ExitCode::Done;
};

CommandLine parse_command_line(int argc, const char* const* argv);

}  // namespace diaryx::cli
