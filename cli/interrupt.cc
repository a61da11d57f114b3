#include "cli/interrupt.h"

#include <atomic>
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
// Any thread.
std::atomic<void (*)()> stop_instead{nullptr};
static_assert(std::atomic<void (*)()>::is_always_lock_free);

[[noreturn]] void end_now() {
  static constexpr char kText[] = "\ndiaryx-sync: interrupted\n";
  // Nothing can be done about a terminal that is gone.
  if (write(STDERR_FILENO, kText, std::strlen(kText)) < 0)
    _exit(static_cast<int>(ExitCode::Interrupted));
  _exit(static_cast<int>(ExitCode::Interrupted));
}

void on_signal(int) {
  if (void (*stop)() = stop_instead.exchange(nullptr); stop != nullptr) return stop();
  if (finish_first == 0) end_now();
  interrupted = 1;
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

void on_next_signal(void (*stop)()) {
  stop_instead = stop;
}

}  // namespace diaryx::cli
