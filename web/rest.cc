#include "web/rest.h"

#include <algorithm>

namespace diaryx::web {

void Rest::told(Time began, Time ended) noexcept {
  pause_ends_ = ended + std::clamp((ended - began) / 4, kShortestPause, kLongestPause);
}

bool Rest::over(std::size_t ready, bool owed, Time now) noexcept {
  const bool busy = owed || now < pause_ends_;
  if (ready == 0 || (!resting_ && !busy) || (resting_ && now >= began_ + kLongest)) {
    resting_ = false;
    return ready > 0;
  }
  if (!resting_) {
    resting_ = true;
    began_ = now;
    seen_ = ready;
    look_ = now + kFirstLook;
    next_look_ = 2 * kFirstLook;
  } else if (!busy && now >= look_) {
    if (ready <= seen_) {
      resting_ = false;
      return true;
    }
    seen_ = ready;
    look_ = now + next_look_;
    next_look_ *= 2;
  }
  // While the core owes an answer, that answer wakes us.
  until_ = owed ? began_ + kLongest : std::min(std::max(look_, pause_ends_), began_ + kLongest);
  return false;
}

}  // namespace diaryx::web
