// The order in which files of a folder are taken in: the root index first, then what it lists,
// depth first; then all others.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/workspace/link.h"

namespace diaryx::workspace {

// What the order needs of a file's header: link texts as they stand there.
struct TreeFile {
  bool has_parent = false;                           // `part_of` is given.
  std::optional<std::vector<std::string>> contents;  // Nothing: not an index.
};

struct ImportOrder {
  std::optional<std::string>
      root;  // The root index: contents and no part_of; of several the one that is_nearer_root().
  std::vector<std::string> paths;  // Every file once.
  std::size_t linked =
      0;  // So many of them are reached from the root; the rest is in the order of paths.
};

// `files`: path → header. Links are read as MetadataDoc::id_of() reads them; those to files that
// are not there lead nowhere, files listed twice come at their first place, cycles end where they
// close.
ImportOrder import_order(const std::map<std::string, TreeFile>& files, LinkFormat format);

}  // namespace diaryx::workspace
