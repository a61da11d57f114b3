#include "engine/codec/any.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/base/standard.h"

namespace diaryx::codec {
namespace {

// 2^32 - 2, the largest array index of JavaScript.
constexpr std::uint64_t kMaxArrayIndex = std::numeric_limits<std::uint32_t>::max() - 1;

// Only for keys that are integer-like.
std::uint64_t index_of(std::string_view key) noexcept {
  std::uint64_t value = 0;
  for (const char c : key) value = value * 10 + static_cast<std::uint64_t>(c - '0');
  return value;
}

bool same_number(double a, double b) noexcept {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
  return bit_cast<std::uint64_t>(a) == bit_cast<std::uint64_t>(b);
}

void drop_repeated_keys(AnyObject& object) {
  std::vector<std::size_t> order(object.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    const int c = object[a].first.compare(object[b].first);
    return c != 0 ? c < 0 : a < b;
  });
  std::vector<bool> dropped(object.size(), false);
  bool any_dropped = false;
  for (std::size_t i = 0; i < order.size();) {
    std::size_t end = i + 1;
    while (end < order.size() && object[order[end]].first == object[order[i]].first) ++end;
    if (end > i + 1) {
      object[order[i]].second = std::move(object[order[end - 1]].second);
      for (std::size_t k = i + 1; k < end; ++k) dropped[order[k]] = true;
      any_dropped = true;
    }
    i = end;
  }
  if (!any_dropped) return;
  std::size_t kept = 0;
  for (std::size_t i = 0; i < object.size(); ++i) {
    if (dropped[i]) continue;
    if (kept != i) object[kept] = std::move(object[i]);
    ++kept;
  }
  object.resize(kept);
}

bool has_repeated_key(const AnyObject& object) {
  for (std::size_t i = 1; i < object.size(); ++i) {
    for (std::size_t k = 0; k < i; ++k) {
      if (object[i].first == object[k].first) return true;
    }
  }
  return false;
}

bool has_integer_like_key(const AnyObject& object) noexcept {
  return std::any_of(object.begin(), object.end(),
                     [](const auto& entry) { return is_integer_like(entry.first); });
}

}  // namespace

const Any* Any::find(std::string_view key) const noexcept {
  const auto* object = get<AnyObject>();
  if (object == nullptr) return nullptr;
  for (const auto& [name, value] : *object) {
    if (name == key) return &value;
  }
  return nullptr;
}

bool Any::operator==(const Any& other) const {
  const auto* number = get<double>();
  const auto* other_number = other.get<double>();
  if (number != nullptr && other_number != nullptr) return same_number(*number, *other_number);
  return storage_ == other.storage_;
}

bool is_integer_like(std::string_view key) noexcept {
  if (key.empty() || key.size() > 10) return false;
  if (key[0] == '0') return key.size() == 1;
  for (const char c : key) {
    if (c < '0' || c > '9') return false;
  }
  return index_of(key) <= kMaxArrayIndex;
}

void normalise_keys(AnyObject& object) {
  // Small objects are the rule; sorting keeps a hostile one with many keys from costing quadratic
  // time.
  constexpr std::size_t kFewKeys = 12;
  if (object.size() > kFewKeys || has_repeated_key(object)) drop_repeated_keys(object);
  if (!has_integer_like_key(object)) return;
  const auto others = std::stable_partition(
      object.begin(), object.end(), [](const auto& entry) { return is_integer_like(entry.first); });
  std::sort(object.begin(), others,
            [](const auto& a, const auto& b) { return index_of(a.first) < index_of(b.first); });
}

std::vector<const AnyObject::value_type*> in_key_order(const AnyObject& object) {
  std::vector<const AnyObject::value_type*> out;
  out.reserve(object.size());
  for (const auto& entry : object) out.push_back(&entry);
  if (!has_integer_like_key(object)) return out;
  const auto others = std::stable_partition(
      out.begin(), out.end(), [](const auto* entry) { return is_integer_like(entry->first); });
  std::stable_sort(out.begin(), others, [](const auto* a, const auto* b) {
    return index_of(a->first) < index_of(b->first);
  });
  return out;
}

}  // namespace diaryx::codec
