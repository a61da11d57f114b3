// diaryx-sync: options in, work done, an exit code out.
#include <cstdio>
#include <exception>
#include <string>
#include <utility>
#include <variant>

#include "cli/command.h"
#include "cli/command_line.h"
#include "cli/interrupt.h"
#include "cli/log_lines.h"
#include "cli/report.h"
#include "engine/engine.h"

namespace diaryx::cli {
namespace {

// Absolute. The folder that was named, or the workspace that the current directory is in.
Result<std::filesystem::path> workspace_root(const GlobalOptions& options) {
  namespace fs = std::filesystem;
  std::error_code error;
  const fs::path named =
      options.directory.empty() ? find_workspace_root(fs::current_path(error)) : options.directory;
  if (error) return Error{ErrorCode::Io, "current directory: " + error.message()};
  const fs::path root = fs::canonical(named, error);
  if (error == std::errc::no_such_file_or_directory) {
    return Error{ErrorCode::NotFound, named.string() + ": no such folder",
                 "make it first, or name another with -C"};
  }
  if (error) return Error{ErrorCode::Io, named.string() + ": " + error.message()};
  if (!fs::is_directory(root, error)) {
    return Error{ErrorCode::InvalidArgument, named.string() + ": not a folder",
                 "name the folder that your notes are in"};
  }
  return root;
}

Result<ExitCode> execute(const CommandLine& line, Report& report) {
  DX_TRY(std::filesystem::path root, workspace_root(line.global));
  const SystemClock clock;
  SystemRandom random;
  const Context context{line.global, std::move(root), report, clock, random};
  return std::visit([&context](const auto& options) { return run(options, context); },
                    *line.command);
}

int run_main(int argc, const char* const* argv) {
  install_interrupt_handlers();
  const CommandLine line = parse_command_line(argc, argv);
  Report report(line.global);
  if (!line.command) {
    if (line.exit == ExitCode::Done) {
      (void)std::fwrite(line.text.data(), 1, line.text.size(),
                        stdout);  // A closed pipe is the reader's choice.
    } else {
      report.usage(line.text);
    }
    return static_cast<int>(line.exit);
  }
  log_to_stderr(line.global);
  const Result<ExitCode> done = execute(line, report);
  if (done) return static_cast<int>(*done);
  report.fail(done.error());
  return static_cast<int>(exit_code(done.error()));
}

}  // namespace
}  // namespace diaryx::cli

int main(int argc, char** argv) {
  try {
    return diaryx::cli::run_main(argc, argv);
  } catch (const std::exception& error) {
    // Out of memory, or a library that threw where its wrapper did not look.
    std::fprintf(stderr, "diaryx-sync: unexpected: %s; please report this\n", error.what());
    return static_cast<int>(diaryx::cli::ExitCode::Failed);
  }
}
