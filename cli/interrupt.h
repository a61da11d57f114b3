// Ctrl-C and SIGTERM. A one-shot command simply ends, with exit code 130: everything that it writes
// is made to survive a process that dies at any moment. Only a step that would leave something
// behind for others (git's index lock) is finished first, and `serve` waits for the signal to shut
// down in order.
#pragma once

namespace diaryx::cli {

// Before any thread starts. Also ignores SIGPIPE: a closed pipe is an error of a write, not the
// end.
void install_interrupt_handlers();

// While one of these lives, a signal is only remembered; the last one to go carries it out.
class FinishFirst {
 public:
  FinishFirst();
  ~FinishFirst();
  FinishFirst(const FinishFirst&) = delete;
  FinishFirst& operator=(const FinishFirst&) = delete;
};

// From here on SIGINT and SIGTERM are kept for wait_for_signal(). Call before threads are started:
// they inherit it.
void hold_signals();
// Undoes hold_signals(): a signal ends the process at once again.
void release_signals();
// Returns the number of the signal, once there was one.
int wait_for_signal();

}  // namespace diaryx::cli
