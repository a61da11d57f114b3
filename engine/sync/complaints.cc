#include "engine/sync/complaints.h"

#include <fmt/format.h>

namespace diaryx::sync {

void Complaints::about(const std::string& what, const std::string& message, std::int64_t now_ms,
                       LogLevel level) {
  std::string& said = said_[what];
  if (said == message) return;
  said = message;
  if (window_ms_ == INT64_MIN || now_ms - window_ms_ >= kWindowMs) {
    if (lines_ > kLines) {
      log(LogLevel::Warning, "disk",
          fmt::format("{} more of the kind in the minute before", lines_ - kLines));
    }
    window_ms_ = now_ms;
    lines_ = 0;
  }
  if (++lines_ <= kLines) {
    log(level, "disk", message);
  } else if (lines_ == kLines + 1) {
    log(LogLevel::Warning, "disk", "and more of the kind; diaryx-sync status lists them");
  }
}

bool Complaints::drop(Said::iterator it) {
  if (it == said_.end()) return false;
  said_.erase(it);
  return true;
}

}  // namespace diaryx::sync
