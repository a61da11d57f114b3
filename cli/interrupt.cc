#include "cli/interrupt.h"

#include <csignal>
#include <cstring>

#include <unistd.h>

#include "cli/command.h"
#include "engine/base/check.h"

namespace diaryx::cli {
namespace {

// Written by the main thread and the handler on it only.
volatile std::sig_atomic_t finish_first = 0;
volatile std::sig_atomic_t interrupted = 0;

[[noreturn]] void end_now() {
  static constexpr char kText[] = "\ndiaryx-sync: interrupted\n";
  // Nothing can be done about a terminal that is gone.
  if (write(STDERR_FILENO, kText, std::strlen(kText)) < 0)
    _exit(static_cast<int>(ExitCode::Interrupted));
  _exit(static_cast<int>(ExitCode::Interrupted));
}

void on_signal(int) {
  if (finish_first == 0) end_now();
  interrupted = 1;
}

sigset_t both_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  return set;
}

}  // namespace

void install_interrupt_handlers() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  DX_CHECK(sigaction(SIGINT, &action, nullptr) == 0);
  DX_CHECK(sigaction(SIGTERM, &action, nullptr) == 0);
  action.sa_handler = SIG_IGN;
  DX_CHECK(sigaction(SIGPIPE, &action, nullptr) == 0);
}

FinishFirst::FinishFirst() {
  finish_first = finish_first + 1;
}

FinishFirst::~FinishFirst() {
  finish_first = finish_first - 1;
  if (finish_first == 0 && interrupted != 0) end_now();
}

void hold_signals() {
  const sigset_t set = both_signals();
  DX_CHECK(pthread_sigmask(SIG_BLOCK, &set, nullptr) == 0);
}

void release_signals() {
  const sigset_t set = both_signals();
  DX_CHECK(pthread_sigmask(SIG_UNBLOCK, &set, nullptr) == 0);
}

int wait_for_signal() {
  const sigset_t set = both_signals();
  int signal = 0;
  DX_CHECK(sigwait(&set, &signal) == 0);
  return signal;
}

}  // namespace diaryx::cli
