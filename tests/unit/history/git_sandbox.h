// A folder with the real git beside us, neither of which sees this machine's configuration.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/path.h"
#include "engine/history/commit.h"
#include "tests/support/temp_dir.h"

namespace diaryx::test {

class GitSandbox {
 public:
  GitSandbox();

  // The work tree. Not yet a repository.
  const std::filesystem::path& path() const { return path_; }
  // Beside the work tree: what git takes for the home folder.
  std::filesystem::path home() const;

  // Standard output of `git <arguments>` in the work tree (or in `below` of it). The test fails if
  // git fails.
  std::string git(const std::string& arguments, const std::string& below = ".") const;
  // The same for a command that may fail: its exit code.
  int git_code(const std::string& arguments) const;
  // `git init` on branch main, with an identity.
  void init() const;
  // A `git add` and `git commit` by the person.
  void commit_all(const std::string& message) const;

  void write(const std::string& file, std::string_view bytes) const {
    dir_.write("tree/" + file, bytes);
  }
  std::string read(const std::string& file) const { return dir_.read("tree/" + file); }
  bool exists(const std::string& file) const { return dir_.exists("tree/" + file); }
  void remove(const std::string& file) const { std::filesystem::remove(path_ / file); }

  // commit_files() with short waits; the test fails if it fails.
  history::CommitReport commit(const std::vector<std::string>& files,
                               const std::vector<std::string>& removed = {},
                               const std::string& below = ".") const;
  Result<history::CommitReport> try_commit(const std::vector<std::string>& files,
                                           const std::vector<std::string>& removed = {},
                                           const history::CommitOptions& options = quick()) const;
  static history::CommitOptions quick();
  // `git fsck` finds nothing at all, and our commits leave no temporary files in .git.
  void check_sound() const;

 private:
  TempDir dir_;
  std::filesystem::path path_;
};

std::vector<WorkspacePath> workspace_paths(const std::vector<std::string>& texts);

}  // namespace diaryx::test
