// What a JavaScript Map or object is to rich text: values by key, in the order in which the keys
// came. A removed key that comes again is the last.
//
// Nearly all lists hold a handful of keys and are scanned. How many there are is the peer's choice,
// so beyond a few a table finds them. A removed key leaves a hole, which goes when somebody looks
// at all.
#pragma once

#include <algorithm>
#include <unordered_map>
#include <vector>

#include "engine/crdt/id.h"

namespace diaryx::crdt {

template <class Value>
class KeyedList {
 public:
  struct Entry {
    KeyIx key;
    Value value;
  };

  bool empty() const noexcept { return entries_.size() == holes_; }
  // Null if there is no such key. Valid until the list changes or somebody looks at all of it.
  const Entry* find(KeyIx key) const {
    const std::size_t place = place_of(key);
    return place == entries_.size() ? nullptr : &entries_[place];
  }
  void set(KeyIx key, Value value) {
    const std::size_t place = place_of(key);
    if (place != entries_.size()) {
      entries_[place].value = value;
      return;
    }
    entries_.push_back({key, value});
    if (!places_.empty()) {
      places_.emplace(key, place);
    } else if (entries_.size() > kScanned) {
      settle();
    }
  }
  void remove(KeyIx key) {
    const std::size_t place = place_of(key);
    if (place == entries_.size()) return;
    if (places_.empty()) {
      entries_.erase(entries_.begin() + static_cast<std::ptrdiff_t>(place));
      return;
    }
    entries_[place].key = kNone;
    places_.erase(key);
    ++holes_;
    if (2 * holes_ > entries_.size()) settle();
  }

  auto begin() const {
    if (holes_ > 0) settle();
    return entries_.cbegin();
  }
  auto end() const {
    if (holes_ > 0) settle();
    return entries_.cend();
  }
  // Hands all entries to `arrange`, which may put them into another order.
  template <class Arrange>
  void rearrange(const Arrange& arrange) {
    settle();
    arrange(entries_);
    settle();
  }

 private:
  static constexpr std::size_t kScanned = 32;

  // The number of entries if there is none.
  std::size_t place_of(KeyIx key) const {
    if (!places_.empty()) {
      const auto known = places_.find(key);
      return known == places_.end() ? entries_.size() : known->second;
    }
    const auto found = std::find_if(entries_.begin(), entries_.end(),
                                    [key](const Entry& entry) { return entry.key == key; });
    return static_cast<std::size_t>(found - entries_.begin());
  }
  // No holes any more, and a table if there is a need for one.
  void settle() const {
    std::erase_if(entries_, [](const Entry& entry) { return entry.key == kNone; });
    holes_ = 0;
    places_.clear();
    if (entries_.size() <= kScanned) return;
    places_.reserve(entries_.size());
    for (std::size_t i = 0; i < entries_.size(); ++i) places_.emplace(entries_[i].key, i);
  }

  mutable std::vector<Entry> entries_;  // Key kNone: a hole. None while they are scanned.
  mutable std::unordered_map<KeyIx, std::size_t> places_;  // Empty while they are scanned.
  mutable std::size_t holes_ = 0;
};

}  // namespace diaryx::crdt
