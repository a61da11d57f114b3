#include "engine/history/ignore.h"

#include <string>
#include <utility>

#include "engine/history/git.h"

namespace diaryx::history {

struct IgnoreRules::Impl {
  Repository repository;
  std::unique_ptr<git_index, GitFree<git_index_free>> index;  // Null: nothing is tracked.
};

IgnoreRules::IgnoreRules(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
IgnoreRules::IgnoreRules(IgnoreRules&&) noexcept = default;
IgnoreRules::~IgnoreRules() = default;

IgnoreRules IgnoreRules::open(const std::filesystem::path& root) {
  auto found = open_repository(root);
  if (!found || !*found) return IgnoreRules(nullptr);
  auto impl = std::make_unique<Impl>(Impl{.repository = std::move(**found), .index = nullptr});
  git_index* index = nullptr;
  if (git_repository_index(&index, impl->repository.get()) == 0) impl->index.reset(index);
  return IgnoreRules(std::move(impl));
}

bool IgnoreRules::ignored(const WorkspacePath& path) const {
  if (!impl_) return false;
  const std::string full = impl_->repository.prefix + path.str();
  int ignored = 0;
  if (git_ignore_path_is_ignored(&ignored, impl_->repository.get(), full.c_str()) != 0)
    return false;
  if (ignored == 0 || !impl_->index) return ignored != 0;
  (void)git_index_read(impl_->index.get(), 0);  // Only if it has changed.
  return git_index_get_bypath(impl_->index.get(), full.c_str(), 0) == nullptr;
}

}  // namespace diaryx::history
