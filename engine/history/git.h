// libgit2 with owners and errors: every handle frees itself, every failure is an Error that a
// person can act on.
//
// git2.h is included by this folder only. The first call sets the library up: what it writes below
// .git is synced to disk, and the owner check of repositories (safe.directory) stays as the library
// has it.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <git2.h>

#include "engine/base/result.h"

namespace diaryx::history {

template <auto Free>
struct GitFree {
  template <class T>
  void operator()(T* handle) const noexcept {
    Free(handle);
  }
};
using RepositoryHandle = std::unique_ptr<git_repository, GitFree<git_repository_free>>;
using OdbHandle = std::unique_ptr<git_odb, GitFree<git_odb_free>>;
using IndexHandle = std::unique_ptr<git_index, GitFree<git_index_free>>;
using TreeHandle = std::unique_ptr<git_tree, GitFree<git_tree_free>>;
using CommitHandle = std::unique_ptr<git_commit, GitFree<git_commit_free>>;
using ReferenceHandle = std::unique_ptr<git_reference, GitFree<git_reference_free>>;
using ConfigHandle = std::unique_ptr<git_config, GitFree<git_config_free>>;
using SignatureHandle = std::unique_ptr<git_signature, GitFree<git_signature_free>>;
using FilterListHandle = std::unique_ptr<git_filter_list, GitFree<git_filter_list_free>>;

// Sets libgit2 up once per process. Called by open_repository() and init_repository(); harmless to
// repeat.
Status set_up_git();

// The error that a libgit2 call just left behind, with what we were doing: "git: read HEAD: …".
// Call it right after the call that returned `code`, on the same thread.
Error git_failure(int code, std::string_view doing);

// Text that libgit2 allocated.
class GitText {
 public:
  GitText() = default;
  ~GitText() { git_buf_dispose(&buffer_); }
  GitText(const GitText&) = delete;
  GitText& operator=(const GitText&) = delete;
  git_buf* out() noexcept { return &buffer_; }
  std::string_view view() const noexcept { return {buffer_.ptr, buffer_.size}; }

 private:
  git_buf buffer_ = GIT_BUF_INIT;
};

// A repository with a work tree, and where our root lies in it.
struct Repository {
  RepositoryHandle handle;
  std::filesystem::path work_tree;  // Absolute, no symbolic links.
  std::string prefix;               // "" or "notes/journal/": from the work tree to our root.

  git_repository* get() const noexcept { return handle.get(); }
};

// The repository whose work tree contains `root`, looked for upwards as git does (not across file
// systems). Nothing if there is none. NotAllowed: it belongs to another user and git's
// safe.directory does not name it, or has no work tree; Unsupported: made with a format that
// libgit2 does not know (partial clones, SHA-256).
Result<std::optional<Repository>> open_repository(const std::filesystem::path& root);

// A new repository at `root`, on the branch that init.defaultBranch names, else on "main".
Result<Repository> init_repository(const std::filesystem::path& root);

// A setting as git sees it (system, global, repository), or nothing.
std::optional<std::string> config_text(git_config* config, const char* name);
bool config_bool(git_config* config, const char* name, bool otherwise);

std::string to_hex(const git_oid& id);

}  // namespace diaryx::history
