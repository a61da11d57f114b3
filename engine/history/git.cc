#include "engine/history/git.h"

#include <cstring>
#include <system_error>

#include "engine/base/check.h"

namespace diaryx::history {
namespace {

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

// libgit2 has few codes of its own for what the system refused: the text is where it says so.
ErrorCode code_for(int code, std::string_view text) {
  switch (code) {
    case GIT_ENOTFOUND:
      return ErrorCode::NotFound;
    case GIT_EEXISTS:
      return ErrorCode::AlreadyExists;
    case GIT_ELOCKED:
      return ErrorCode::Busy;
    case GIT_EMODIFIED:
      return ErrorCode::Conflict;
    case GIT_EINVALIDSPEC:
    case GIT_EINVALID:
      return ErrorCode::InvalidArgument;
    case GIT_EOWNER:
    case GIT_EBAREREPO:
    case GIT_EUNMERGED:
      return ErrorCode::NotAllowed;
    case GIT_EMISMATCH:
      return ErrorCode::Corrupt;
    default:
      break;
  }
  if (contains(text, std::strerror(ENOSPC)) || contains(text, std::strerror(EDQUOT))) {
    return ErrorCode::NoSpace;
  }
  if (contains(text, std::strerror(EACCES)) || contains(text, std::strerror(EROFS))) {
    return ErrorCode::NotAllowed;
  }
  if (contains(text, "unsupported")) return ErrorCode::Unsupported;
  return ErrorCode::Io;
}

// libgit2 1.5 reports a repository of another user in two ways, and one of them is a puzzle
// ("config value 'safe.directory' was not found"): both mean the same.
bool is_owner_refusal(int code, std::string_view text) {
  return code == GIT_EOWNER || (code == GIT_ENOTFOUND && contains(text, "safe.directory"));
}

std::string_view last_text() {
  const git_error* error = git_error_last();
  return error != nullptr && error->message != nullptr ? std::string_view(error->message)
                                                       : std::string_view("no details");
}

Error open_failure(int code, const std::filesystem::path& root) {
  if (is_owner_refusal(code, last_text())) {
    return Error{ErrorCode::NotAllowed,
                 "git: the repository that holds " + root.string() + " belongs to another user",
                 "if you trust it, run: git config --global --add safe.directory <its top folder>"};
  }
  Error error = git_failure(code, "open the repository of " + root.string());
  if (error.code == ErrorCode::Unsupported) {
    error.hint = "the repository uses a git extension that we cannot read; commit with git itself";
  }
  return error;
}

Result<Repository> locate(RepositoryHandle handle, const std::filesystem::path& root) {
  const char* work_tree = git_repository_workdir(handle.get());
  if (work_tree == nullptr) {
    return Error{ErrorCode::NotAllowed,
                 "git: the repository at " + std::string(git_repository_path(handle.get())) +
                     " is bare: it has no work tree",
                 "move the workspace out of the bare repository"};
  }
  std::error_code failed;
  const std::filesystem::path real_root = std::filesystem::canonical(root, failed);
  if (failed) return Error{ErrorCode::Io, root.string() + ": " + failed.message()};
  const std::filesystem::path real_tree = std::filesystem::canonical(work_tree, failed);
  if (failed) return Error{ErrorCode::Io, std::string(work_tree) + ": " + failed.message()};
  const std::filesystem::path below = real_root.lexically_relative(real_tree);
  if (below.empty() || *below.begin() == "..") {
    return Error{ErrorCode::NotAllowed,
                 "git: the work tree of the repository found at " + root.string() + " is " +
                     real_tree.string() + ", which does not contain it",
                 "check core.worktree in the repository's configuration"};
  }
  std::string prefix = below == "." ? std::string() : below.string() + "/";
  return Repository{std::move(handle), real_tree, std::move(prefix)};
}

}  // namespace

Status set_up_git() {
  static const int code = [] {
    const int initialised = git_libgit2_init();
    if (initialised < 0) return initialised;
    return git_libgit2_opts(GIT_OPT_ENABLE_FSYNC_GITDIR, 1);
  }();
  if (code < 0) return git_failure(code, "set libgit2 up");
  return {};
}

Error git_failure(int code, std::string_view doing) {
  const std::string text(last_text());
  return Error{code_for(code, text), "git: " + std::string(doing) + ": " + text};
}

Result<std::optional<Repository>> open_repository(const std::filesystem::path& root) {
  DX_TRY_OK(set_up_git());
  git_repository* raw = nullptr;
  const int code = git_repository_open_ext(&raw, root.c_str(), 0, nullptr);
  RepositoryHandle handle(raw);
  if (code == GIT_ENOTFOUND && !is_owner_refusal(code, last_text())) return std::nullopt;
  if (code < 0) return open_failure(code, root);
  DX_TRY(Repository repository, locate(std::move(handle), root));
  return std::optional<Repository>(std::move(repository));
}

Result<Repository> init_repository(const std::filesystem::path& root) {
  DX_TRY_OK(set_up_git());
  git_config* raw_config = nullptr;
  int code = git_config_open_default(&raw_config);
  const ConfigHandle config(raw_config);
  if (code < 0) return git_failure(code, "read the configuration");
  const std::string branch = config_text(config.get(), "init.defaultBranch").value_or("main");
  git_repository_init_options options = {};
  code = git_repository_init_options_init(&options, GIT_REPOSITORY_INIT_OPTIONS_VERSION);
  if (code < 0) return git_failure(code, "set the options of a new repository");
  options.flags = GIT_REPOSITORY_INIT_NO_REINIT;
  options.initial_head = branch.c_str();
  git_repository* raw = nullptr;
  code = git_repository_init_ext(&raw, root.c_str(), &options);
  RepositoryHandle handle(raw);
  if (code < 0) return git_failure(code, "make a repository at " + root.string());
  return locate(std::move(handle), root);
}

std::optional<std::string> config_text(git_config* config, const char* name) {
  GitText value;
  if (git_config_get_string_buf(value.out(), config, name) < 0) return std::nullopt;
  if (value.view().empty()) return std::nullopt;
  return std::string(value.view());
}

bool config_bool(git_config* config, const char* name, bool otherwise) {
  int value = 0;
  return git_config_get_bool(&value, config, name) < 0 ? otherwise : value != 0;
}

std::string to_hex(const git_oid& id) {
  std::string text(GIT_OID_HEXSZ, '0');
  git_oid_fmt(text.data(), &id);
  return text;
}

}  // namespace diaryx::history
