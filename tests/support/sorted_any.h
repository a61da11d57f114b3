// A value without regard to the order of keys: a map's order is that in which its keys arrived,
// which differs from replica to replica.
#pragma once

#include <algorithm>

#include "engine/codec/any.h"

namespace diaryx::test {

inline codec::Any sorted(const codec::Any& value) {
  if (const auto* array = value.get<codec::AnyArray>()) {
    codec::AnyArray result;
    for (const codec::Any& element : *array) result.push_back(sorted(element));
    return result;
  }
  if (const auto* object = value.get<codec::AnyObject>()) {
    codec::AnyObject result;
    for (const auto& [key, member] : *object) result.emplace_back(key, sorted(member));
    std::sort(result.begin(), result.end(),
              [](const auto& a, const auto& b) { return a.first < b.first; });
    return result;
  }
  return value;
}

}  // namespace diaryx::test
