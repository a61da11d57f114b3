// The commits that lead to the checked-out one, newest first: of the workspace, or of one file in
// it. Only looks.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/path.h"
#include "engine/base/result.h"

namespace diaryx::history {

struct LoggedCommit {
  std::string commit;  // 40 hexadecimal digits.
  std::vector<std::string> parents;
  std::string author_name, author_mail;
  std::int64_t time_ms = 0;  // Of the committer.
  std::string message;       // Whole. May be no UTF-8.
};

struct LogOptions {
  std::optional<WorkspacePath> path;  // Only commits that changed it. Renames are not followed.
  std::optional<std::string> before;  // LogPage::next of the page before.
  std::size_t limit = 50;             // At most so many commits.
};

struct LogPage {
  std::string branch;  // "main"; "HEAD" when detached; "" without a repository or a commit.
  std::vector<LoggedCommit> commits;
  std::optional<std::string> next;  // There may be more.
};

// Where the workspace is a part of a repository, only commits that changed that part. A merge that
// took one side's state as it was is left out; what it merged is not (git log --full-history).
// InvalidArgument: `before` is no commit. At most 20,000 commits are looked at for one page.
Result<LogPage> list_commits(const std::filesystem::path& root, const LogOptions& options);

}  // namespace diaryx::history
