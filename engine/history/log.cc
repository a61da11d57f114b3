#include "engine/history/log.h"

#include <algorithm>
#include <utility>

#include "engine/history/git.h"

namespace diaryx::history {
namespace {

constexpr std::size_t kMostLookedAt = 20'000;

using WalkHandle = std::unique_ptr<git_revwalk, GitFree<git_revwalk_free>>;
using EntryHandle = std::unique_ptr<git_tree_entry, GitFree<git_tree_entry_free>>;

Result<CommitHandle> look_up(git_repository* repository, const git_oid& id) {
  git_commit* raw = nullptr;
  const int code = git_commit_lookup(&raw, repository, &id);
  CommitHandle commit(raw);
  if (code < 0) return git_failure(code, "read a commit");
  return commit;
}

// What stands at `path` in the commit's tree; nothing if nothing does.
Result<std::optional<git_oid>> entry_at(git_commit* commit, const std::string& path) {
  git_tree* raw_tree = nullptr;
  int code = git_commit_tree(&raw_tree, commit);
  const TreeHandle tree(raw_tree);
  if (code < 0) return git_failure(code, "read a tree");
  if (path.empty()) return std::optional<git_oid>(*git_tree_id(tree.get()));
  git_tree_entry* raw_entry = nullptr;
  code = git_tree_entry_bypath(&raw_entry, tree.get(), path.c_str());
  const EntryHandle entry(raw_entry);
  if (code == GIT_ENOTFOUND) return std::optional<git_oid>();
  if (code < 0) return git_failure(code, "read a tree");
  return std::optional<git_oid>(*git_tree_entry_id(entry.get()));
}

bool same(const std::optional<git_oid>& a, const std::optional<git_oid>& b) {
  if (!a || !b) return a.has_value() == b.has_value();
  return git_oid_equal(&*a, &*b) != 0;
}

// Did it make something of `path` that none of its parents had?
Result<bool> changed(git_commit* commit, const std::string& path) {
  DX_TRY(const auto here, entry_at(commit, path));
  const unsigned parents = git_commit_parentcount(commit);
  if (parents == 0) return path.empty() || here.has_value();
  for (unsigned i = 0; i < parents; ++i) {
    git_commit* raw = nullptr;
    const int code = git_commit_parent(&raw, commit, i);
    const CommitHandle parent(raw);
    if (code == GIT_ENOTFOUND) continue;  // A shallow clone ends here.
    if (code < 0) return git_failure(code, "read a commit");
    DX_TRY(const auto there, entry_at(parent.get(), path));
    if (same(here, there)) return false;
  }
  return true;
}

LoggedCommit describe(git_commit* commit) {
  LoggedCommit out;
  out.commit = to_hex(*git_commit_id(commit));
  for (unsigned i = 0; i < git_commit_parentcount(commit); ++i)
    out.parents.push_back(to_hex(*git_commit_parent_id(commit, i)));
  const git_signature* author = git_commit_author(commit);
  if (author != nullptr) {
    out.author_name = author->name;
    out.author_mail = author->email;
  }
  out.time_ms = git_commit_time(commit) * std::int64_t{1000};
  out.message = git_commit_message(commit);
  return out;
}

// The path as the repository has it: "notes/journal/a.md", "notes/journal" or "".
std::string path_in(const Repository& repository, const LogOptions& options) {
  std::string path = repository.prefix + (options.path ? options.path->str() : std::string());
  if (!path.empty() && path.back() == '/') path.pop_back();
  return path;
}

Result<WalkHandle> walk_from_head(git_repository* repository) {
  git_revwalk* raw = nullptr;
  int code = git_revwalk_new(&raw, repository);
  WalkHandle walk(raw);
  if (code == 0) code = git_revwalk_sorting(walk.get(), GIT_SORT_TOPOLOGICAL | GIT_SORT_TIME);
  if (code == 0) code = git_revwalk_push_head(walk.get());
  if (code < 0) return git_failure(code, "walk the commits");
  return walk;
}

// Nothing, if there is no commit yet.
Result<std::optional<std::string>> branch_of(git_repository* repository) {
  git_reference* raw = nullptr;
  const int code = git_repository_head(&raw, repository);
  const ReferenceHandle head(raw);
  if (code == GIT_EUNBORNBRANCH || code == GIT_ENOTFOUND) return std::optional<std::string>();
  if (code < 0) return git_failure(code, "read HEAD");
  return std::optional<std::string>(git_reference_shorthand(head.get()));
}

Status skip_to(git_revwalk* walk, const std::string& commit) {
  git_oid wanted;
  if (commit.size() != GIT_OID_HEXSZ || git_oid_fromstr(&wanted, commit.c_str()) < 0)
    return Error{ErrorCode::InvalidArgument, "before: must be 40 hexadecimal digits"};
  for (;;) {
    git_oid id;
    const int code = git_revwalk_next(&id, walk);
    if (code == GIT_ITEROVER)
      return Error{ErrorCode::InvalidArgument, "before: no commit of this branch"};
    if (code < 0) return git_failure(code, "walk the commits");
    if (git_oid_equal(&id, &wanted) != 0) return {};
  }
}

}  // namespace

Result<LogPage> list_commits(const std::filesystem::path& root, const LogOptions& options) {
  DX_TRY(const auto repository, open_repository(root));
  if (!repository) return LogPage{};
  DX_TRY(auto branch, branch_of(repository->get()));
  if (!branch) return LogPage{};
  LogPage page;
  page.branch = std::move(*branch);
  DX_TRY(const WalkHandle walk, walk_from_head(repository->get()));
  if (options.before) DX_TRY_OK(skip_to(walk.get(), *options.before));
  const std::string path = path_in(*repository, options);
  git_oid id;
  for (std::size_t looked_at = 0;; ++looked_at) {
    if (looked_at > 0 && (page.commits.size() >= options.limit || looked_at >= kMostLookedAt)) {
      page.next = to_hex(id);
      return page;
    }
    const int code = git_revwalk_next(&id, walk.get());
    if (code == GIT_ITEROVER) return page;
    if (code < 0) return git_failure(code, "walk the commits");
    DX_TRY(const CommitHandle commit, look_up(repository->get(), id));
    DX_TRY(const bool wanted, changed(commit.get(), path));
    if (wanted) page.commits.push_back(describe(commit.get()));
  }
}

}  // namespace diaryx::history
