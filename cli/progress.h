// A progress bar on standard error, for work that takes long enough to wonder: shown only on a
// terminal, only after half a second, and gone without a trace when the work is done.
#pragma once

#include <cstdint>
#include <string>

#include "engine/base/clock.h"

namespace diaryx::cli {

class ProgressBar {
 public:
  // `enabled` false: never shown. The clock must outlive the bar.
  ProgressBar(std::string label, bool enabled, const Clock& clock);
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  // total 0: not known yet. Draws at most ten times a second.
  void update(std::uint64_t done, std::uint64_t total);

  // Takes the bar off the screen before somebody prints a line; the next update draws it again. Any
  // thread.
  static void hide_all() noexcept;

 private:
  std::string label_;
  bool enabled_;
  const Clock& clock_;
  std::int64_t started_ms_;
  std::int64_t drawn_ms_ = 0;
};

// "[#####-----] 512 of 1024", fitted into `columns`. Only the count where there is no room for a
// bar or no total.
std::string progress_line(const std::string& label, std::uint64_t done, std::uint64_t total,
                          std::size_t columns);

}  // namespace diaryx::cli
