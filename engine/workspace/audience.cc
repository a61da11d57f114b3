#include "engine/workspace/audience.h"

#include <algorithm>
#include <utility>

namespace diaryx::workspace {
namespace {

// Deeper trees than this are circles, or might as well be.
constexpr std::size_t kDeepest = 10'000;

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return out;
}

std::vector<std::string> texts_in(const codec::Any& value) {
  if (const auto* text = value.get<std::string>()) return {*text};
  std::vector<std::string> out;
  if (const auto* list = value.get<codec::AnyArray>()) {
    for (const codec::Any& entry : *list) {
      if (const auto* text = entry.get<std::string>()) out.push_back(*text);
    }
  }
  return out;
}

}  // namespace

AudienceFilter::AudienceFilter(std::string_view wanted, std::vector<std::string> otherwise,
                               FindRecord find, FindParent parent)
    : wanted_(lower(wanted)),
      otherwise_(std::move(otherwise)),
      find_(std::move(find)),
      parent_(std::move(parent)) {}

bool AudienceFilter::meant(const std::vector<std::string>& audience) const {
  return std::any_of(audience.begin(), audience.end(), [&](const std::string& name) {
    return name == kEverybody || lower(name) == wanted_;
  });
}

// From the note upwards: each that says an audience must mean `wanted`; those that say none stand
// for the next above. The topmost that says none has the default.
bool AudienceFilter::visible(const std::string& id) const {
  if (wanted_ == kEverybody) return true;
  std::string at = id;
  for (std::size_t steps = 0; steps < kDeepest; ++steps) {
    const FileRecord* record = find_(at);
    if (record == nullptr) return meant(otherwise_);
    const bool says = record->audience && !record->audience->empty();
    if (says && !meant(*record->audience)) return false;
    const std::string above = parent_(at);
    if (above.empty() || above == id) return says || meant(otherwise_);
    at = above;
  }
  return false;
}

std::vector<std::string> workspace_setting(const codec::AnyObject& fields,
                                           std::initializer_list<std::string_view> keys) {
  const codec::Any all(fields);
  const codec::Any* config = all.find("workspace_config");
  for (const codec::Any* place : {config, &all}) {
    if (place == nullptr) continue;
    for (const std::string_view key : keys) {
      if (const codec::Any* value = place->find(key)) return texts_in(*value);
    }
  }
  return {};
}

}  // namespace diaryx::workspace
