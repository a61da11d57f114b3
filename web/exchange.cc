#include "web/exchange.h"

#include <utility>

namespace diaryx::web {

bool Exchange::write(std::string_view octets) {
  bool wake = false;
  {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [&] { return abandoned_ || waiting_.size() < kWindowBytes; });
    if (abandoned_) return false;
    waiting_.append(octets);
    wake = !woken_ && waiting_.size() >= kWakeBytes;
    woken_ = woken_ || wake;
  }
  if (wake) wake_();
  return true;
}

void Exchange::finish(bool keep_alive) {
  {
    const std::lock_guard lock(mutex_);
    finished_ = true;
    keep_alive_ = keep_alive;
  }
  wake_();
}

Exchange::Taken Exchange::take() {
  Taken out;
  {
    const std::lock_guard lock(mutex_);
    out.octets = std::exchange(waiting_, {});
    out.finished = finished_;
    out.keep_alive = keep_alive_;
    woken_ = false;
  }
  room_.notify_one();
  return out;
}

void Exchange::abandon() {
  {
    const std::lock_guard lock(mutex_);
    abandoned_ = true;
  }
  room_.notify_one();
}

}  // namespace diaryx::web
