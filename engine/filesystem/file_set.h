// A whole rendered workspace: path → bytes. What `materialise` writes and what `commit` can compare
// with.
#pragma once

#include <map>
#include <string>

#include "engine/base/path.h"

namespace diaryx::filesystem {
using FileSet = std::map<WorkspacePath, std::string>;
}  // namespace diaryx::filesystem
