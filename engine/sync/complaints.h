// Log lines about what lasts: one when it begins, not one for each time that it is tried again; and
// when very much goes wrong at once (a full disk), a few and how many more there were.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "engine/base/log.h"

namespace diaryx::sync {

class Complaints {
 public:
  // "message", unless that has been said of `what` and is not over.
  void about(const std::string& what, const std::string& message, std::int64_t now_ms,
             LogLevel level = LogLevel::Warning);
  // It works again. True if it had been complained about.
  bool over(std::string_view what) { return drop(said_.find(what)); }

  static constexpr std::int64_t kWindowMs = 60'000;
  static constexpr std::uint64_t kLines = 10;  // In a window.

 private:
  using Said = std::map<std::string, std::string, std::less<>>;
  bool drop(Said::iterator it);
  Said said_;
  std::int64_t window_ms_ = INT64_MIN;  // When it began.
  std::uint64_t lines_ = 0;             // In the window, told or not.
};

}  // namespace diaryx::sync
