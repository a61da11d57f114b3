// Which files found on disk become notes, where not all do.
//
//   exclude    patterns in the root index's header (workspace/path_patterns.h)
//   audience   only what this audience may read (workspace/audience.h); meta "intake/audience"
//   gitignore  not what git ignores (filesystem::FileTree::ignored()); meta "intake/gitignore" =
//   "1"
//
// They only ever keep files out: what is a note already stays one, and is kept the same as its
// file, whatever they say. Nobody's file is deleted because a pattern was added.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>

#include "engine/base/result.h"
#include "engine/storage/store.h"
#include "engine/workspace/metadata_doc.h"

namespace diaryx::sync {

struct IntakeRules {
  std::string audience;  // "": no filter.
  bool gitignore = false;
  bool operator==(const IntakeRules&) const = default;
};

Result<IntakeRules> load_intake_rules(storage::Store& store);
Status save_intake_rules(storage::Store& store, const IntakeRules& rules);

class Intake {
 public:
  // `metadata` must outlive it.
  Intake(const workspace::MetadataDoc& metadata, IntakeRules rules)
      : metadata_(metadata), rules_(std::move(rules)) {}

  const IntakeRules& rules() const noexcept { return rules_; }

  // Files found together, which have no live record: id → the record that their header gives, with
  // `path`, links among them resolved to ids. Those that are to be left out.
  using Found = std::map<std::string, workspace::FileRecord, std::less<>>;
  std::set<std::string> left_out(const Found& found) const;
  // Whether left_out() has anything to say, as far as one knows without `found`'s headers.
  bool may_leave_out(const Found& found) const;

 private:
  const workspace::FileRecord* root_of(const Found& found) const;

  const workspace::MetadataDoc& metadata_;
  IntakeRules rules_;
};

}  // namespace diaryx::sync
