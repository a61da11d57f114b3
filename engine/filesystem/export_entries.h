// What an export consists of, in the order of paths. For export.cc and zip.cc.
#pragma once

#include <string>
#include <vector>

#include "engine/filesystem/export.h"

namespace diaryx::filesystem {

struct ExportEntry {
  const WorkspacePath* path;
  const std::string* bytes;  // Null: copied from the tree.
};
// Borrows from `source`.
std::vector<ExportEntry> export_entries(const ExportSource& source);

}  // namespace diaryx::filesystem
