#include "cli/browser.h"

#include <csignal>

#include <fcntl.h>
#include <spawn.h>
#include <unistd.h>

namespace diaryx::cli {

Status open_browser(const std::string& url) {
  // Nobody waits for it: let the kernel clear it away.
  (void)std::signal(SIGCHLD, SIG_IGN);
  std::string program = "xdg-open";
  std::string argument = url;
  char* const arguments[] = {program.data(), argument.data(), nullptr};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  // What browsers have to say does not belong between our lines.
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    posix_spawn_file_actions_addopen(&actions, stream, "/dev/null", O_RDWR, 0);
  }
  pid_t child = 0;
  const int failed = posix_spawnp(&child, program.c_str(), &actions, nullptr, arguments, environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) {
    return Error{ErrorCode::Unsupported,
                 "no browser could be opened: there is no xdg-open; open the address yourself"};
  }
  return {};
}

}  // namespace diaryx::cli
