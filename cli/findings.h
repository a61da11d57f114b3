// What `validate` and `reconcile` found, as text and as JSON.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "engine/base/json.h"
#include "engine/engine.h"

namespace diaryx::cli {

// [{"kind","severity","path","key","message"}]
OrderedJson issues_json(const std::vector<workspace::Issue>& issues);
// "journal/a.md: warning: … [BrokenLink]"
std::string issue_line(const workspace::Issue& issue);
// [{"path","reason"}]
OrderedJson skipped_json(const std::vector<std::pair<std::string, std::string>>& skipped);

}  // namespace diaryx::cli
