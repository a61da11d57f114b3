#include "engine/filesystem/file_tree.h"

#include <algorithm>

namespace diaryx::filesystem {

bool Listing::unknown(const WorkspacePath& path) const {
  // Of the skipped, only the path itself and its folders count.
  const auto has = [&](std::string_view part) {
    const auto at = std::lower_bound(
        skipped.begin(), skipped.end(), part,
        [](const Skipped& s, std::string_view p) { return std::string_view(s.path) < p; });
    return at != skipped.end() && at->path == part;
  };
  const std::string_view whole = path.str();
  for (std::size_t slash = whole.find('/'); slash != std::string_view::npos;
       slash = whole.find('/', slash + 1)) {
    if (has(whole.substr(0, slash))) return true;
  }
  return has(whole);
}

}  // namespace diaryx::filesystem
