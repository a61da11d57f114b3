#include "web/rest.h"

#include <algorithm>

namespace diaryx::web {

bool Rest::over(std::size_t ready, bool owed, Time now) noexcept {
  const bool busy = owed || now < told_ + kPause;
  if (ready == 0 || (!resting_ && !busy) || (resting_ && now >= began_ + kLongest)) {
    resting_ = false;
    return ready > 0;
  }
  if (!resting_) {
    resting_ = true;
    began_ = now;
    seen_ = ready;
    look_ = now + kLook;
  } else if (!busy && now >= look_) {
    if (ready <= seen_) {
      resting_ = false;
      return true;
    }
    seen_ = ready;
    look_ = now + kLook;
  }
  // While the core owes an answer, that answer wakes us.
  until_ = owed ? began_ + kLongest : std::min(std::max(look_, told_ + kPause), began_ + kLongest);
  return false;
}

}  // namespace diaryx::web
