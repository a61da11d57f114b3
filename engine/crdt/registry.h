// Callbacks with handles, which may come and go while they are being called.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <utility>

namespace diaryx::crdt {

template <class... Arguments>
class Registry {
 public:
  using Function = std::function<void(Arguments...)>;

  // `handle` is not 0. One that is added during a call is called from the next time on.
  void add(std::uint64_t handle, Function function) {
    entries_.push_back({handle, std::move(function)});
  }
  // Called no more, not even in the round that is under way. False if there is no such handle.
  bool remove(std::uint64_t handle) {
    for (auto entry = entries_.begin(); entry != entries_.end(); ++entry) {
      if (entry->handle != handle) continue;
      if (calling_ == 0) {
        entries_.erase(entry);
      } else {
        entry->handle = kGone;  // It may be the one that runs: it goes when the round is over.
      }
      return true;
    }
    return false;
  }
  bool empty() const noexcept { return entries_.empty(); }

  void call(Arguments... arguments) {
    ++calling_;
    // Of a deque: what an observer adds at the end moves none of the others.
    const std::size_t count = entries_.size();
    for (std::size_t i = 0; i < count; ++i) {
      if (entries_[i].handle != kGone) entries_[i].function(arguments...);
    }
    if (--calling_ == 0)
      std::erase_if(entries_, [](const Entry& entry) { return entry.handle == kGone; });
  }

 private:
  static constexpr std::uint64_t kGone = 0;
  struct Entry {
    std::uint64_t handle;
    Function function;
  };
  std::deque<Entry> entries_;
  int calling_ = 0;
};

}  // namespace diaryx::crdt
