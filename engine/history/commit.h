// A set of files → one commit on the checked-out branch, the way `git commit --only` does it.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/path.h"

namespace diaryx::history {

struct CommitOptions {
  std::optional<std::string> message;  // Default: "Workspace snapshot at YYYY-MM-DD HH:MM:SS UTC".
  std::optional<std::string> author;   // "Name <mail>"; default: git's own configuration, else "Diaryx <noreply@diaryx.app>".
  std::int64_t wall_ms = 0;            // Now.
};

struct CommitReport {
  std::optional<std::string> commit;  // 40 hex digits; nothing if nothing had changed.
  std::uint64_t files = 0;            // Files of ours in the resulting tree.
  std::uint64_t changed = 0;          // Added, modified or removed by this commit.
  std::string branch;                 // "main"; "HEAD" when detached.
  bool created_repository = false;
};

// Commits the current bytes on disk of `files`, and the removal of those in `removed` that are tracked and gone from disk.
// Paths are relative to `root`. The repository is the one whose work tree contains `root` (made at `root` if there is none).
// Everything else that is tracked stays, the person's index and staged work stay; files of ours end up clean in `git status`.
Result<CommitReport> commit_files(const std::filesystem::path& root, const std::vector<WorkspacePath>& files,
                                  const std::vector<WorkspacePath>& removed, const CommitOptions& options);

}  // namespace diaryx::history
