// The repository's own files, for tests that look at them.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace diaryx::test {

struct SourceFile {
  std::string path;  // From the root of the repository, with "/".
  std::string text;
};

// Every file below the given top-level folders whose name ends in one of `endings`. Leaves out
// node_modules and build folders.
std::vector<SourceFile> source_files(const std::vector<std::string>& folders,
                                     const std::vector<std::string>& endings);

std::vector<std::string> lines_of(const std::string& text);

std::filesystem::path repository_root();

}  // namespace diaryx::test
