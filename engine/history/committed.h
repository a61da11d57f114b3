// What the checked-out commit holds: for bringing back what neither disk nor store has any more.
// Only looks.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "engine/base/path.h"
#include "engine/base/result.h"

namespace diaryx::history {

// The Markdown files below the workspace's root in HEAD, path → octets as git stores them (no line
// ends converted). Empty without a repository or a commit. Hidden files, and those larger than
// `max_bytes`, are left out.
Result<std::map<WorkspacePath, std::string>> committed_notes(const std::filesystem::path& root,
                                                             std::uint64_t max_bytes);

}  // namespace diaryx::history
