#include "engine/history/commit.h"

#include <algorithm>
#include <chrono>
#include <system_error>
#include <thread>
#include <utility>

#include "engine/base/check.h"
#include "engine/history/git.h"
#include "engine/history/index_file.h"
#include "engine/history/object_writer.h"
#include "engine/history/signature.h"
#include "engine/history/tree_update.h"
#include "engine/history/work_tree.h"

namespace diaryx::history {
namespace {

// How often we begin again when somebody else moves the branch, or holds its lock, between our look
// and our write.
constexpr int kBranchAttempts = 20;
constexpr auto kBranchPause = std::chrono::milliseconds(25);

struct Head {
  CommitHandle commit;  // Null: the branch has no commit yet.
  TreeHandle tree;      // Of that commit.
  std::string branch;   // "HEAD" when detached.
};

struct IndexChanges {
  std::vector<git_index_entry> set;  // `path` points into the scan.
  std::vector<std::string> removed;
  bool only_times =
      true;  // What git shows as staged stays the same: just its stat cache gets better.
};

struct Committed {
  std::optional<git_oid> id;
  std::uint64_t changed = 0;
  std::string branch;
};

const char* unfinished_work(int state) {
  switch (state) {
    case GIT_REPOSITORY_STATE_NONE:
      return nullptr;
    case GIT_REPOSITORY_STATE_MERGE:
      return "a merge";
    case GIT_REPOSITORY_STATE_REVERT:
    case GIT_REPOSITORY_STATE_REVERT_SEQUENCE:
      return "a revert";
    case GIT_REPOSITORY_STATE_CHERRYPICK:
    case GIT_REPOSITORY_STATE_CHERRYPICK_SEQUENCE:
      return "a cherry-pick";
    case GIT_REPOSITORY_STATE_BISECT:
      return "a bisect";
    case GIT_REPOSITORY_STATE_APPLY_MAILBOX:
      return "git am";
    default:
      return "a rebase";
  }
}

// git refuses a partial commit in the middle of a merge for good reason: it would be half of the
// merge, and the other half would never be committed as one. In a bisect, our files on disk are
// those of an old commit.
Status refuse_unfinished_work(git_repository* repository) {
  const char* work = unfinished_work(git_repository_state(repository));
  if (work == nullptr) return {};
  return Error{ErrorCode::NotAllowed, std::string("git: ") + work + " is in progress",
               "finish it or abort it (git status says how), then commit again"};
}

Result<std::string> branch_name(git_repository* repository) {
  git_reference* raw = nullptr;
  const int code = git_reference_lookup(&raw, repository, "HEAD");
  const ReferenceHandle head(raw);
  if (code < 0) return git_failure(code, "read HEAD");
  if (git_reference_type(head.get()) != GIT_REFERENCE_SYMBOLIC) return std::string("HEAD");
  constexpr std::string_view kBranches = "refs/heads/";
  const std::string target = git_reference_symbolic_target(head.get());
  return target.compare(0, kBranches.size(), kBranches) == 0 ? target.substr(kBranches.size())
                                                             : target;
}

Result<Head> read_head(git_repository* repository) {
  Head head;
  DX_TRY(head.branch, branch_name(repository));
  git_oid id;
  int code = git_reference_name_to_id(&id, repository, "HEAD");
  if (code == GIT_ENOTFOUND) return head;
  if (code < 0) return git_failure(code, "read HEAD");
  git_commit* raw_commit = nullptr;
  code = git_commit_lookup(&raw_commit, repository, &id);
  head.commit.reset(raw_commit);
  if (code < 0) return git_failure(code, "read the commit " + to_hex(id));
  git_tree* raw_tree = nullptr;
  code = git_commit_tree(&raw_tree, head.commit.get());
  head.tree.reset(raw_tree);
  if (code < 0) return git_failure(code, "read the tree of " + to_hex(id));
  return head;
}

std::vector<TreeChange> tree_changes(const WorkTreeScan& scan) {
  std::vector<TreeChange> changes;
  changes.reserve(scan.present.size() + scan.gone.size());
  for (const WorkFile& file : scan.present) {
    changes.push_back({file.path, TreeFile{file.entry.id, file.entry.mode}});
  }
  for (const std::string& path : scan.gone) changes.push_back({path, std::nullopt});
  std::sort(changes.begin(), changes.end(),
            [](const TreeChange& a, const TreeChange& b) { return a.path < b.path; });
  return changes;
}

// What must change in `index` for our files to be in it as they are on disk.
IndexChanges index_changes(const IndexSnapshot& index, const WorkTreeScan& scan) {
  IndexChanges changes;
  for (const WorkFile& file : scan.present) {
    const git_index_entry* known = index.find(file.path);
    const bool same_file = known != nullptr && known->mode == file.entry.mode &&
                           git_oid_equal(&known->id, &file.entry.id) != 0 &&
                           (known->flags_extended & GIT_INDEX_ENTRY_INTENT_TO_ADD) == 0;
    if (same_file && same_stat(*known, file.entry) &&
        (file.entry.file_size == 0 || !index.is_racy(*known))) {
      continue;
    }
    if (!same_file) changes.only_times = false;
    git_index_entry entry = file.entry;
    entry.flags = 0;
    entry.flags_extended = 0;
    entry.path = file.path.c_str();
    changes.set.push_back(entry);
  }
  for (const std::string& path : scan.gone) {
    if (index.find(path) == nullptr) continue;
    changes.only_times = false;
    changes.removed.push_back(path);
  }
  return changes;
}

// One commit_files() at work: holds what its steps share.
class Committer {
 public:
  Committer(const Repository& repository, const WorkTreeScan& scan, ObjectWriter& objects)
      : repository_(repository), scan_(scan), changes_(tree_changes(scan)), objects_(objects) {}

  Result<Committed> commit(const IndexSnapshot& seen, const Signatures& signatures,
                           const std::string& message, std::int64_t lock_wait_ms) {
    const std::filesystem::path index = index_path(repository_.get());
    DX_TRY(const Head head, read_head(repository_.get()));
    DX_TRY(const TreeUpdate tree,
           update_tree(repository_.get(), head.tree.get(), changes_, objects_));
    const IndexChanges wanted = index_changes(seen, scan_);
    if (tree.changed == 0 && wanted.only_times) {
      if (!wanted.set.empty()) refresh_times(index, wanted);
      return Committed{std::nullopt, 0, head.branch};
    }
    // Everything slow is done before the lock is taken. What the index says is then read again.
    DX_TRY_OK(objects_.flush());
    DX_TRY(IndexLock lock, IndexLock::acquire(index, lock_wait_ms));
    DX_TRY_OK(refuse_unfinished_work(repository_.get()));
    DX_TRY(const IndexSnapshot current, IndexSnapshot::read(index));
    for (const WorkFile& file : scan_.present) DX_TRY_OK(refuse_new_trouble(current, file.path));
    const IndexChanges changes = index_changes(current, scan_);
    DX_TRY_OK(lock.publish(changes.set, changes.removed));
    DX_TRY(Committed committed, move_branch(signatures, message));
    lock.done();
    return committed;
  }

 private:
  // Between our look and the lock the person may have begun something with a file of ours.
  static Status refuse_new_trouble(const IndexSnapshot& index, const std::string& path) {
    const git_index_entry* entry = index.find(path);
    if (entry == nullptr ? index.in_conflict(path) : entry->mode == GIT_FILEMODE_COMMIT) {
      return Error{ErrorCode::Conflict, "git: " + path + " changed in the index while we read it",
                   "commit again"};
    }
    return {};
  }

  // As `git status` does: the next look need not read these files. Whoever holds the lock is more
  // important.
  static void refresh_times(const std::filesystem::path& index, const IndexChanges& wanted) {
    auto lock = IndexLock::acquire(index, 0);
    if (!lock) return;
    const auto current = IndexSnapshot::read(index);
    if (!current) return;
    std::vector<git_index_entry> set;
    for (const git_index_entry& entry : wanted.set) {
      const git_index_entry* known = current->find(entry.path);
      if (known == nullptr || known->mode != entry.mode) continue;
      if (git_oid_equal(&known->id, &entry.id) == 0 || known->flags_extended != 0) continue;
      set.push_back(entry);
    }
    // A cache that could not be renewed is still a valid cache.
    if (lock->publish(set, {})) lock->done();
  }

  // Commits on top of what HEAD is now, again and again while somebody else moves it. Under the
  // index lock no git command that stages or commits can be at work, but one that only moves
  // branches can (git update-ref, git fetch).
  Result<Committed> move_branch(const Signatures& signatures, const std::string& message) {
    Error last{ErrorCode::Conflict, "git: no attempt was made"};
    for (int attempt = 0; attempt < kBranchAttempts; ++attempt) {
      if (attempt > 0) std::this_thread::sleep_for(kBranchPause);
      DX_TRY(const Head head, read_head(repository_.get()));
      DX_TRY(const TreeUpdate tree,
             update_tree(repository_.get(), head.tree.get(), changes_, objects_));
      if (tree.changed == 0) return Committed{std::nullopt, 0, head.branch};
      DX_TRY_OK(objects_.flush());
      auto id = commit_on(head, tree, signatures, message);
      if (id) return Committed{*id, tree.changed, head.branch};
      last = std::move(id).error();
      if (last.code != ErrorCode::Conflict && last.code != ErrorCode::Busy) return last;
    }
    return std::move(last).hinted(
        "another process keeps moving or locking the branch; try again later");
  }

  Result<git_oid> commit_on(const Head& head, const TreeUpdate& update,
                            const Signatures& signatures, const std::string& message) {
    git_tree* raw_tree = nullptr;
    int code = git_tree_lookup(&raw_tree, repository_.get(), &update.id);
    const TreeHandle tree(raw_tree);
    if (code < 0) return git_failure(code, "read the new tree " + to_hex(update.id));
    // The branch is written with this name in its reflog.
    code = git_repository_set_ident(repository_.get(), signatures.committer->name,
                                    signatures.committer->email);
    if (code < 0) return git_failure(code, "set the identity");
    const git_commit* parents[] = {head.commit.get()};
    git_oid id;
    code = git_commit_create(&id, repository_.get(), "HEAD", signatures.author.get(),
                             signatures.committer.get(), nullptr, message.c_str(), tree.get(),
                             head.commit ? 1 : 0, parents);
    if (code < 0) return git_failure(code, "commit to " + head.branch);
    return id;
  }

  const Repository& repository_;
  const WorkTreeScan& scan_;
  std::vector<TreeChange> changes_;
  ObjectWriter& objects_;
};

bool any_on_disk(const std::filesystem::path& root, const std::vector<WorkspacePath>& files) {
  return std::any_of(files.begin(), files.end(), [&](const WorkspacePath& path) {
    std::error_code failed;
    return std::filesystem::is_regular_file(
        std::filesystem::symlink_status(root / path.str(), failed));
  });
}

}  // namespace

Result<CommitReport> commit_files(const std::filesystem::path& root,
                                  const std::vector<WorkspacePath>& files,
                                  const std::vector<WorkspacePath>& removed,
                                  const CommitOptions& options) {
  DX_TRY(const std::string message, make_message(options.message, options.wall_ms));
  DX_TRY(std::optional<Repository> found, open_repository(root));
  CommitReport report;
  if (!found) {
    if (!any_on_disk(root, files)) return report;
    DX_TRY(found, init_repository(root));
    report.created_repository = true;
  }
  const Repository& repository = *found;
  DX_TRY_OK(refuse_unfinished_work(repository.get()));
  DX_TRY(const Signatures signatures,
         make_signatures(repository.get(), options.author, options.wall_ms));

  git_odb* raw_odb = nullptr;
  const int code = git_repository_odb(&raw_odb, repository.get());
  const OdbHandle odb(raw_odb);
  if (code < 0) return git_failure(code, "open the object database");
  ObjectWriter objects(odb.get());
  DX_TRY(const IndexSnapshot index, IndexSnapshot::read(index_path(repository.get())));
  DX_TRY(WorkTreeScan scan, scan_work_tree(repository, index, files, removed, objects));

  Committer committer(repository, scan, objects);
  DX_TRY(const Committed committed,
         committer.commit(index, signatures, message, options.lock_wait_ms));
  if (committed.id) report.commit = to_hex(*committed.id);
  report.files = scan.present.size();
  report.changed = committed.changed;
  report.branch = committed.branch;
  report.skipped = std::move(scan.skipped);
  return report;
}

}  // namespace diaryx::history
