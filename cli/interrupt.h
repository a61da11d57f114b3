// Ctrl-C and SIGTERM. A one-shot command simply ends, with exit code 130: everything that it writes
// is made to survive a process that dies at any moment. Only a step that would leave something
// behind for others (git's index lock) is finished first, and `serve` shuts down in order.
#pragma once

namespace diaryx::cli {

// Before any thread starts. Also ignores SIGPIPE: a closed pipe is an error of a write, not the
// end.
void install_interrupt_handlers();

// While one of these lives, a signal is only remembered; the last one to go carries it out. Main
// thread only.
class FinishFirst {
 public:
  FinishFirst();
  ~FinishFirst();
  FinishFirst(const FinishFirst&) = delete;
  FinishFirst& operator=(const FinishFirst&) = delete;
};

// The next signal calls `stop` instead, on whatever thread it comes to; `stop` must be fit for a
// signal handler. The one after that ends the process at once: whoever presses Ctrl-C twice means
// it.
void on_next_signal(void (*stop)());

}  // namespace diaryx::cli
