#include "engine/history/committed.h"

#include <utility>

#include "engine/history/git.h"

namespace diaryx::history {
namespace {

using BlobHandle = std::unique_ptr<git_blob, GitFree<git_blob_free>>;

struct Collecting {
  git_repository* repository;
  std::string_view prefix;  // "" or "notes/": from the work tree to our root.
  std::uint64_t max_bytes;
  std::map<WorkspacePath, std::string> notes;
};

// Called for each entry of the tree; 0: go on, and into folders.
int collect(const char* folder, const git_tree_entry* entry, void* payload) {
  Collecting& into = *static_cast<Collecting*>(payload);
  if (git_tree_entry_type(entry) != GIT_OBJECT_BLOB) return 0;
  const std::string full = std::string(folder) + git_tree_entry_name(entry);
  if (!full.starts_with(into.prefix)) return 0;
  auto path = WorkspacePath::parse(full.substr(into.prefix.size()));
  if (!path || !path->is_markdown() || path->is_hidden()) return 0;
  git_blob* raw = nullptr;
  const int code = git_blob_lookup(&raw, into.repository, git_tree_entry_id(entry));
  const BlobHandle blob(raw);
  if (code < 0) return 0;  // Not in this clone: others may be.
  const auto size = static_cast<std::uint64_t>(git_blob_rawsize(blob.get()));
  if (size > into.max_bytes || git_tree_entry_filemode(entry) == GIT_FILEMODE_LINK) return 0;
  into.notes.emplace(std::move(*path),
                     std::string(static_cast<const char*>(git_blob_rawcontent(blob.get())), size));
  return 0;
}

}  // namespace

Result<std::map<WorkspacePath, std::string>> committed_notes(const std::filesystem::path& root,
                                                             std::uint64_t max_bytes) {
  DX_TRY(const std::optional<Repository> repository, open_repository(root));
  if (!repository) return std::map<WorkspacePath, std::string>();
  git_object* raw = nullptr;
  const int found = git_revparse_single(&raw, repository->get(), "HEAD^{tree}");
  const std::unique_ptr<git_object, GitFree<git_object_free>> tree(raw);
  if (found == GIT_ENOTFOUND) return std::map<WorkspacePath, std::string>();
  if (found < 0) return git_failure(found, "read HEAD");
  Collecting into{repository->get(), repository->prefix, max_bytes, {}};
  const int walked =
      git_tree_walk(reinterpret_cast<git_tree*>(tree.get()), GIT_TREEWALK_PRE, collect, &into);
  if (walked < 0) return git_failure(walked, "read the tree of HEAD");
  return std::move(into.notes);
}

}  // namespace diaryx::history
