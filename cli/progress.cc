#include "cli/progress.h"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <utility>

#include <fmt/core.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace diaryx::cli {
namespace {

constexpr std::int64_t kPatienceMs = 500;
constexpr std::int64_t kFrameMs = 100;

std::atomic<bool> on_screen{false};

std::size_t terminal_columns() {
  winsize size{};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

}  // namespace

ProgressBar::ProgressBar(std::string label, bool enabled, const Clock& clock)
    : label_(std::move(label)),
      enabled_(enabled && isatty(STDERR_FILENO) != 0),
      clock_(clock),
      started_ms_(clock.steady_ms()) {}

ProgressBar::~ProgressBar() {
  hide_all();
}

void ProgressBar::update(std::uint64_t done, std::uint64_t total) {
  if (!enabled_) return;
  const std::int64_t now = clock_.steady_ms();
  if (now - started_ms_ < kPatienceMs || now - drawn_ms_ < kFrameMs) return;
  drawn_ms_ = now;
  const std::string line = "\r" + progress_line(label_, done, total, terminal_columns()) + "\033[K";
  on_screen = true;
  (void)std::fwrite(line.data(), 1, line.size(), stderr);
  (void)std::fflush(stderr);
}

void ProgressBar::hide_all() noexcept {
  if (!on_screen.exchange(false)) return;
  (void)std::fputs("\r\033[K", stderr);
  (void)std::fflush(stderr);
}

std::string progress_line(const std::string& label, std::uint64_t done, std::uint64_t total,
                          std::size_t columns) {
  if (total == 0) return fmt::format("{} {}", label, done);
  const std::string count = fmt::format("{} of {}", done, total);
  const std::size_t taken =
      label.size() + count.size() + 5;  // Spaces, brackets, and a free last column.
  constexpr std::size_t kSmallest = 10;
  constexpr std::size_t kLargest = 40;
  if (columns < taken + kSmallest) return fmt::format("{} {}", label, count);
  const std::size_t width = std::min(columns - taken, kLargest);
  const std::size_t filled = static_cast<std::size_t>(std::min(done, total) * width / total);
  return fmt::format("{} [{}{}] {}", label, std::string(filled, '#'),
                     std::string(width - filled, '-'), count);
}

}  // namespace diaryx::cli
