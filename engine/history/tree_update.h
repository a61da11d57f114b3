// A git tree with some paths changed: only the folders on the way to a change are written anew.
//
//   tree  := entry*                          sorted by name, a folder's name compared as if it
//   ended in "/" entry := mode:octal " " name NUL id[20]  modes: 40000 folder, 100644 file, 100755
//   program, 120000 link, 160000 submodule
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/history/git.h"
#include "engine/history/object_writer.h"

namespace diaryx::history {

struct TreeFile {
  git_oid id;
  std::uint32_t mode;  // GIT_FILEMODE_BLOB or GIT_FILEMODE_BLOB_EXECUTABLE.
};

struct TreeChange {
  std::string path;              // From the top of the tree, "/" between names.
  std::optional<TreeFile> file;  // Nothing: the file goes.
};

struct TreeUpdate {
  git_oid id;
  std::uint64_t changed = 0;  // How many of the changes made a difference.
};

// `base` may be null: an empty tree. `changes` must be sorted by path (octet order), each path
// once. As in git's index a file takes the place of a folder of that name and a folder that of a
// file. Removing what is not there, or is no file, changes nothing. Folders that become empty go.
// New trees are handed to `objects`, not flushed.
Result<TreeUpdate> update_tree(git_repository* repository, const git_tree* base,
                               const std::vector<TreeChange>& changes, ObjectWriter& objects);

}  // namespace diaryx::history
