// A set of files → one commit on the checked-out branch, the way `git commit --only -- <files>`
// does it.
//
// The new tree is HEAD's tree with our files as they are on disk now, after git's own conversions
// (.gitattributes, core.autocrlf), so that `git status` finds nothing to say about them. Everything
// else that is tracked stays as it is in HEAD; everything else that is staged stays staged, and the
// person's next `git commit` commits just that.
//
// Left out, and named in the report: what git ignores (unless tracked), symbolic links and what
// lies behind one, files in submodules and in nested repositories, files outside a sparse checkout
// or marked assume-unchanged, files that need an external filter (git-lfs, git-crypt), names that
// git refuses, files that cannot be read.
//
// Done in this order, so that a crash at any point leaves a repository that `git fsck` finds sound:
// blobs and trees, synced (object_writer.h); the index, under git's lock; the commit and the
// branch. A crash between the last two leaves our files staged, and a lock file that git names when
// it next runs. The repository's hooks are not run, commits are not signed, and the environment
// (GIT_AUTHOR_NAME, GIT_DIR, …) is not read.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/path.h"
#include "engine/base/result.h"

namespace diaryx::history {

struct CommitOptions {
  // Default: "Workspace snapshot at YYYY-MM-DD HH:MM:SS UTC". Cleaned as git cleans it: no blank
  // lines around it, none doubled, no spaces at line ends.
  std::optional<std::string> message;
  // "Name <mail>". Default: user.name and user.email of git's configuration, else "Diaryx
  // <noreply@diaryx.app>". The committer is always the configured person if there is one, else the
  // author.
  std::optional<std::string> author;
  std::int64_t wall_ms = 0;  // Now, in ms since 1970.
  std::int64_t lock_wait_ms =
      2000;  // How long to wait for another git command to finish with the index.
};

struct SkippedFile {
  std::string path;    // From the workspace root.
  std::string reason;  // "ignored by git", "symbolic link", "inside a submodule", …
};

struct CommitReport {
  std::optional<std::string> commit;  // 40 hex digits; nothing if nothing had changed.
  std::uint64_t files = 0;            // Files of ours in the resulting tree, changed or not.
  std::uint64_t changed = 0;          // Added, modified or removed by this commit.
  std::string branch;                 // "main"; "HEAD" when detached; "" if there is no repository.
  bool created_repository = false;
  std::vector<SkippedFile> skipped;  // Of `files`: left out, sorted by path.
};

// Commits the current bytes on disk of `files`, and the removal of those in `removed` that are
// tracked and gone from disk. Paths are relative to `root`. The repository is the one whose work
// tree contains `root` (made at `root` if there is none and there is something to commit). A file
// of `files` that is gone from disk is left as it is in HEAD.
//
// Busy: another process holds the index or the branch for longer than we wait. NotAllowed: a merge,
// rebase, cherry-pick, revert or bisect is in progress, one of our files is in conflict, the
// repository belongs to another user, or is bare. Conflict: the branch keeps moving under us.
// Unsupported: a repository or index of a kind that libgit2 cannot read. InvalidArgument: author or
// message. After an error nothing has changed but for objects that nothing refers to.
Result<CommitReport> commit_files(const std::filesystem::path& root,
                                  const std::vector<WorkspacePath>& files,
                                  const std::vector<WorkspacePath>& removed,
                                  const CommitOptions& options);

}  // namespace diaryx::history
