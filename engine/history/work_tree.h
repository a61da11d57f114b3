// Our files in the work tree, as git would add them: what changed, with which blob and mode, and
// what git must not get.
//
// A file whose size, times, inode and owner are those in the index is not read (git's stat cache).
// No symbolic link is followed, neither as a file nor on the way to one.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/base/path.h"
#include "engine/base/result.h"
#include "engine/history/commit.h"
#include "engine/history/git.h"
#include "engine/history/index_file.h"
#include "engine/history/object_writer.h"

namespace diaryx::history {

// Larger files are left out: they would be held in memory whole.
inline constexpr std::uint64_t kMaxCommittedBytes = 256U << 20U;

// One file that belongs into the commit, changed or not.
struct WorkFile {
  std::string path;       // From the top of the work tree.
  git_index_entry entry;  // Blob, mode and stat as the index shall hold them. Its `path` is unset.
};

struct WorkTreeScan {
  std::vector<WorkFile> present;  // Sorted by path.
  std::vector<std::string>
      gone;  // Of `removed`: not on disk. From the top of the work tree, sorted.
  std::vector<SkippedFile> skipped;  // Sorted by path.
};

// Blobs that the repository lacks go to `objects` (not flushed). NotAllowed: one of our files is in
// conflict.
Result<WorkTreeScan> scan_work_tree(const Repository& repository, const IndexSnapshot& index,
                                    const std::vector<WorkspacePath>& files,
                                    const std::vector<WorkspacePath>& removed,
                                    ObjectWriter& objects);

// The two entries say the same of times, size, inode and owner.
bool same_stat(const git_index_entry& a, const git_index_entry& b) noexcept;

}  // namespace diaryx::history
