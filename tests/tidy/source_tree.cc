#include "tests/tidy/source_tree.h"

#include <algorithm>
#include <fstream>
#include <sstream>

namespace diaryx::test {

namespace fs = std::filesystem;

fs::path repository_root() {
  return DIARYX_SOURCE_DIR;
}

std::vector<SourceFile> source_files(const std::vector<std::string>& folders,
                                     const std::vector<std::string>& endings) {
  std::vector<SourceFile> out;
  for (const std::string& folder : folders) {
    const fs::path top = repository_root() / folder;
    if (!fs::exists(top)) continue;
    for (auto it = fs::recursive_directory_iterator(top); it != fs::recursive_directory_iterator();
         ++it) {
      const std::string name = it->path().filename().string();
      if (it->is_directory()) {
        if (name == "node_modules" || name == "build" || name == "dist" || name[0] == '.')
          it.disable_recursion_pending();
        continue;
      }
      const bool wanted =
          std::any_of(endings.begin(), endings.end(), [&](const std::string& ending) {
            return name.size() > ending.size() &&
                   name.compare(name.size() - ending.size(), ending.size(), ending) == 0;
          });
      if (!wanted) continue;
      std::ifstream in(it->path(), std::ios::binary);
      std::stringstream text;
      text << in.rdbuf();
      out.push_back(
          {fs::relative(it->path(), repository_root()).generic_string(), std::move(text).str()});
    }
  }
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.path < b.path; });
  return out;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> out;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) out.push_back(line);
  return out;
}

}  // namespace diaryx::test
