// What git ignores: .gitignore files on the way, .git/info/exclude, core.excludesFile. As for git,
// what is tracked is not ignored.
#pragma once

#include <filesystem>
#include <memory>

#include "engine/base/path.h"

namespace diaryx::history {

class IgnoreRules {
 public:
  // For paths below `root`. If it lies in no work tree, or in one that cannot be opened, nothing is
  // ignored. The files are read when they are needed, and again when they have changed.
  static IgnoreRules open(const std::filesystem::path& root);
  IgnoreRules(IgnoreRules&&) noexcept;
  IgnoreRules& operator=(IgnoreRules&&) = delete;
  ~IgnoreRules();

  // One thread at a time. False where git cannot say.
  bool ignored(const WorkspacePath& path) const;

 private:
  struct Impl;
  explicit IgnoreRules(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace diaryx::history
