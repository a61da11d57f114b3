#include "engine/sync/intake.h"

#include <vector>

#include "engine/workspace/audience.h"
#include "engine/workspace/path_patterns.h"

namespace diaryx::sync {
namespace {

using workspace::FileRecord;

constexpr std::string_view kAudienceKey = "intake/audience";
constexpr std::string_view kGitignoreKey = "intake/gitignore";

std::vector<std::string> patterns_of(const FileRecord& root) {
  return workspace::workspace_setting(root.extra, {"exclude"});
}

}  // namespace

Result<IntakeRules> load_intake_rules(storage::Store& store) {
  IntakeRules rules;
  DX_TRY(const auto audience, store.meta(kAudienceKey));
  DX_TRY(const auto gitignore, store.meta(kGitignoreKey));
  rules.audience = audience.value_or("");
  rules.gitignore = gitignore == "1";
  return rules;
}

Status save_intake_rules(storage::Store& store, const IntakeRules& rules) {
  DX_TRY_OK(rules.audience.empty() ? store.erase_meta(kAudienceKey)
                                   : store.set_meta(kAudienceKey, rules.audience));
  return rules.gitignore ? store.set_meta(kGitignoreKey, "1") : store.erase_meta(kGitignoreKey);
}

// The root index that there is, or the one that comes with these files.
const FileRecord* Intake::root_of(const Found& found) const {
  if (const auto id = metadata_.root_index()) return metadata_.find(*id);
  const FileRecord* root = nullptr;
  for (const auto& [id, record] : found) {
    if (workspace::is_rather_root(record, root)) root = &record;
  }
  return root;
}

bool Intake::may_leave_out(const Found& found) const {
  if (!rules_.audience.empty()) return true;
  const FileRecord* root = root_of(found);
  return root != nullptr && !patterns_of(*root).empty();
}

std::set<std::string> Intake::left_out(const Found& found) const {
  std::set<std::string> out;
  const FileRecord* const root = root_of(found);
  const workspace::PathPatterns excluded(root != nullptr ? patterns_of(*root)
                                                         : std::vector<std::string>());
  const auto find = [&](const std::string& id) {
    const auto it = found.find(id);
    return it != found.end() ? &it->second : metadata_.find(id);
  };
  // The notes that list it say where it stands, before what it says itself.
  std::map<std::string, std::string> listed_by;
  if (!rules_.audience.empty()) {
    const auto note = [&](const std::string& id, const FileRecord& record) {
      if (record.deleted || !record.contents) return;
      for (const std::string& child : *record.contents) listed_by.emplace(child, id);
    };
    for (const auto& [id, record] : found) note(id, record);
    for (const auto& [id, record] : metadata_.records()) note(id, record);
  }
  const auto parent = [&](const std::string& id) -> std::string {
    const auto it = listed_by.find(id);
    if (it != listed_by.end()) return it->second;
    const FileRecord* record = find(id);
    return record != nullptr && record->part_of && find(*record->part_of) != nullptr
               ? *record->part_of
               : std::string();
  };
  const workspace::AudienceFilter audience(
      rules_.audience,
      root != nullptr
          ? workspace::workspace_setting(root->extra, {"default_audience", "public_audience"})
          : std::vector<std::string>(),
      find, parent);
  for (const auto& [id, record] : found) {
    const bool hidden = !rules_.audience.empty() && !audience.visible(id);
    if (hidden || excluded.match(record.path)) out.insert(id);
  }
  return out;
}

}  // namespace diaryx::sync
