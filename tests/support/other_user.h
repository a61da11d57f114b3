// Running a piece of a test in a child process, as somebody for whom permissions count (tests often
// run as root, for whom they do not).
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/check.h"

namespace diaryx::test {

// Runs `body` in a child, which is an ordinary user even when we are root. Returns what `body`
// returns (0..250), -1 if the child died. `body` must not use doctest's macros.
template <class F>
int as_ordinary_user(const F& body) {
  constexpr unsigned kNobody = 65'534;
  const pid_t pid = ::fork();
  DX_CHECK(pid >= 0);
  if (pid == 0) {
    if (::geteuid() == 0 && (::setgid(kNobody) != 0 || ::setuid(kNobody) != 0)) ::_exit(251);
    ::_exit(body());
  }
  int status = 0;
  DX_CHECK(::waitpid(pid, &status, 0) == pid);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace diaryx::test
