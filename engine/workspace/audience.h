// Who may read which note. A note's `audience` counts; without one, that of its parent; without a
// parent, the root index's `default_audience` (or `public_audience`); without that it is private.
// What somebody may not read hides all below it.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/workspace/file_record.h"

namespace diaryx::workspace {

// As a filter, and as an entry of an `audience`.
inline constexpr std::string_view kEverybody = "*";

class AudienceFilter {
 public:
  // The record with that id, and the note that it stands below (its id; "" for none). Both must
  // outlive the calls below.
  using FindRecord = std::function<const FileRecord*(const std::string& id)>;
  using FindParent = std::function<std::string(const std::string& id)>;

  // `wanted` in any case of ASCII letters. kEverybody: everything is visible.
  AudienceFilter(std::string_view wanted, std::vector<std::string> otherwise, FindRecord find,
                 FindParent parent);

  bool visible(const std::string& id) const;

 private:
  bool meant(const std::vector<std::string>& audience) const;

  std::string wanted_;
  std::vector<std::string> otherwise_;  // default_audience
  FindRecord find_;
  FindParent parent_;
};

// The entries of a list of texts, or the one text, under one of `keys` in `fields`, or in the
// mapping `workspace_config` there: how a root index sets something for the workspace.
std::vector<std::string> workspace_setting(const codec::AnyObject& fields,
                                           std::initializer_list<std::string_view> keys);

}  // namespace diaryx::workspace
