#include "engine/sync/health.h"

#include <algorithm>
#include <charconv>
#include <string>

namespace diaryx::sync {
namespace {

constexpr std::string_view kKey = "failed_validations";

}  // namespace

Result<std::uint64_t> failed_validations(storage::Store& store) {
  DX_TRY(const auto stored, store.meta(kKey));
  std::uint64_t count = 0;
  // What is no number counts as none: it is advice, and must not be in anybody's way.
  if (stored) (void)std::from_chars(stored->data(), stored->data() + stored->size(), count);
  return count;
}

Status set_failed_validations(storage::Store& store, std::uint64_t count) {
  return count == 0 ? store.erase_meta(kKey) : store.set_meta(kKey, std::to_string(count));
}

bool rebuild_would_help(std::span<const workspace::Issue> issues) noexcept {
  using workspace::IssueKind;
  return std::any_of(issues.begin(), issues.end(), [](const workspace::Issue& issue) {
    return issue.kind == IssueKind::DamagedDocument || issue.kind == IssueKind::DamagedStore ||
           issue.kind == IssueKind::UnreadableRecord || issue.kind == IssueKind::MissingBodyDoc;
  });
}

}  // namespace diaryx::sync
