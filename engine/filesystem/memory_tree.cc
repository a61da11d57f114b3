#include "engine/filesystem/memory_tree.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "engine/base/check.h"

namespace diaryx::filesystem {
namespace {

constexpr std::uint64_t kRootInode = 1;
constexpr std::string_view kRootGone = "the folder is no longer there: moved, deleted or unmounted";

std::string_view parent_of(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return path.substr(0, slash == std::string_view::npos ? 0 : slash);
}

std::string join(std::string_view folder, std::string_view name) {
  return folder.empty() ? std::string(name) : fmt::format("{}/{}", folder, name);
}

bool is_below(std::string_view path, std::string_view folder) {
  return path.size() > folder.size() && path.starts_with(folder) && path[folder.size()] == '/';
}

bool is_hidden(std::string_view path) {
  return path.starts_with('.') || path.find("/.") != std::string_view::npos;
}

bool is_markdown(std::string_view path) {
  return path.ends_with(".md") || path.ends_with(".MD");
}

Error not_allowed(std::string_view shown, std::string_view what) {
  return Error{ErrorCode::NotAllowed, fmt::format("{}: {}", shown, what)};
}

Error conflict(std::string_view shown, std::string_view what) {
  return Error{ErrorCode::Conflict, fmt::format("{}: {}", shown, what)};
}

}  // namespace

MemoryTree::MemoryTree(const Clock& clock) : clock_(clock) {
  live_.names[""] = kRootInode;
  live_.inodes[kRootInode] = {Kind::Folder, {}, 0, 0755};
  disk_ = live_;
}

// ---- The disk ----

Status MemoryTree::step(std::string_view name) {
  if (stopped_) return Error{ErrorCode::Interrupted, "the power is off"};
  ++steps_;
  if (gone_) return Error{ErrorCode::Io, std::string(kRootGone)};
  if (steps_ == stop_at_) {
    stopped_ = true;
    return Error{ErrorCode::Interrupted, "the power is off"};
  }
  if (hook_) {
    // The hook's own doings are not watched.
    const auto hook = std::exchange(hook_, nullptr);
    hook(name);
    if (!hook_) hook_ = hook;
  }
  if (steps_ == fail_at_) return *std::exchange(failure_, std::nullopt);
  return {};
}

std::int64_t MemoryTree::next_mtime() {
  last_mtime_ns_ = std::max(last_mtime_ns_ + 1, clock_.wall_ms() * 1'000'000);
  return last_mtime_ns_;
}

std::uint64_t MemoryTree::add_inode(Kind kind, std::string_view bytes, std::uint32_t mode) {
  live_.inodes[++last_inode_] = {kind, std::string(bytes), next_mtime(), mode};
  return last_inode_;
}

std::uint64_t MemoryTree::find(std::string_view path) const {
  const auto it = live_.names.find(path);
  return it == live_.names.end() ? 0 : it->second;
}

FileStat MemoryTree::stat_of(std::uint64_t inode) const {
  const Inode& node = live_.inodes.at(inode);
  return {node.bytes.size(), node.mtime_ns, inode, node.mode};
}

void MemoryTree::sync_file(std::uint64_t inode) {
  disk_.inodes[inode] = live_.inodes.at(inode);
}

void MemoryTree::sync_names(std::string_view folder) {
  const auto is_child = [&](std::string_view path) {
    return !path.empty() && parent_of(path) == folder;
  };
  std::vector<std::uint64_t> left;  // Inodes whose names go from this folder.
  std::erase_if(disk_.names, [&](const auto& item) {
    if (!is_child(item.first)) return false;
    if (live_.names.find(item.first) == live_.names.end()) left.push_back(item.second);
    return true;
  });
  for (const auto& [path, inode] : live_.names) {
    // File systems write both ends of a rename at once: what moved from here is on disk where it
    // moved to.
    const bool moved = std::find(left.begin(), left.end(), inode) != left.end();
    if (is_child(path) || moved) write_name(path);
  }
}

void MemoryTree::write_name(std::string_view path) {
  if (path.empty()) return;
  if (disk_.names.find(parent_of(path)) == disk_.names.end()) write_name(parent_of(path));
  const std::uint64_t inode = find(path);
  std::erase_if(disk_.names, [&](const auto& item) {
    return item.second == inode && live_.names.find(item.first) == live_.names.end();
  });
  disk_.names[std::string(path)] = inode;
  // A name without its octets.
  const Inode& node = live_.inodes.at(inode);
  disk_.inodes.try_emplace(inode, Inode{node.kind, {}, node.mtime_ns, node.mode});
}

void MemoryTree::put(std::string_view path, std::uint64_t inode, Sync sync) {
  make_folder(parent_of(path));
  live_.names[std::string(path)] = inode;
  if (sync == Sync::No) return;
  sync_file(inode);
  sync_names(parent_of(path));
}

void MemoryTree::restart(Random* random) {
  if (random != nullptr) {
    std::vector<std::string> folders;
    for (const auto& [path, inode] : live_.names) {
      if (live_.inodes.at(inode).kind == Kind::Folder && random->below(2) == 0)
        folders.push_back(path);
    }
    for (const std::string& folder : folders) sync_names(folder);
    for (const auto& [inode, node] : live_.inodes) {
      if (random->below(2) == 0) disk_.inodes[inode] = node;
    }
  }
  // What hangs in a folder that is not there is not there either.
  std::erase_if(disk_.names, [&](const auto& item) {
    for (std::string_view at = item.first; !at.empty();) {
      at = parent_of(at);
      if (disk_.names.find(at) == disk_.names.end()) return true;
    }
    return false;
  });
  live_ = disk_;
  writers_.clear();
  stopped_ = false;
  stop_at_ = 0;
  fail_at_ = 0;
}

void MemoryTree::fail_step(std::uint64_t n, Error error) {
  DX_CHECK(n > 0);
  fail_at_ = steps_ + n;
  failure_ = std::move(error);
}

void MemoryTree::stop_at_step(std::uint64_t n) {
  DX_CHECK(n > 0);
  stop_at_ = steps_ + n;
}

// ---- Another program ----

void MemoryTree::edit(std::string_view path, std::string_view bytes, Sync sync) {
  const std::uint64_t inode = find(path);
  if (inode == 0) return put(path, add_inode(Kind::File, bytes, 0644), sync);
  Inode& node = live_.inodes.at(inode);
  node.bytes = bytes;
  node.mtime_ns = next_mtime();
  if (sync == Sync::No) return;
  sync_file(inode);
  sync_names(parent_of(path));
}

std::uint64_t MemoryTree::open_emptied(std::string_view path) {
  edit(path, {});
  const std::uint64_t inode = find(path);
  ++writers_[inode];
  return inode;
}

void MemoryTree::write_open(std::uint64_t handle, std::string_view bytes) {
  DX_CHECK(writers_.contains(handle));
  Inode& node = live_.inodes.at(handle);
  node.bytes = bytes;
  node.mtime_ns = next_mtime();
  sync_file(handle);
}

void MemoryTree::close_open(std::uint64_t handle) {
  const auto it = writers_.find(handle);
  DX_CHECK(it != writers_.end());
  if (--it->second == 0) writers_.erase(it);
}

void MemoryTree::install(std::string_view path, std::string_view bytes, Sync sync) {
  put(path, add_inode(Kind::File, bytes, 0644), sync);
}

void MemoryTree::touch(std::string_view path) {
  const std::uint64_t inode = find(path);
  DX_CHECK(inode != 0);
  live_.inodes.at(inode).mtime_ns = next_mtime();
  sync_file(inode);
}

void MemoryTree::erase(std::string_view path) {
  std::erase_if(live_.names,
                [&](const auto& item) { return item.first == path || is_below(item.first, path); });
  sync_names(parent_of(path));
}

void MemoryTree::rename(std::string_view from, std::string_view to) {
  DX_CHECK(find(from) != 0);
  make_folder(parent_of(to));
  std::vector<std::pair<std::string, std::uint64_t>> moved;
  std::erase_if(live_.names, [&](const auto& item) {
    if (item.first != from && !is_below(item.first, from)) return false;
    moved.emplace_back(fmt::format("{}{}", to, std::string_view(item.first).substr(from.size())),
                       item.second);
    return true;
  });
  for (auto& [path, inode] : moved) live_.names[path] = inode;
  sync_names(parent_of(from));
  sync_names(parent_of(to));
  for (const auto& item : moved) sync_names(item.first);
}

void MemoryTree::make_folder(std::string_view path) {
  if (find(path) != 0) return;
  make_folder(parent_of(path));
  put(path, add_inode(Kind::Folder, {}, 0755), Sync::Yes);
}

void MemoryTree::make_symlink(std::string_view path) {
  put(path, add_inode(Kind::Symlink, {}, 0777), Sync::Yes);
}
void MemoryTree::make_pipe(std::string_view path) {
  put(path, add_inode(Kind::Pipe, {}, 0644), Sync::Yes);
}

void MemoryTree::set_mode(std::string_view path, std::uint32_t mode) {
  const std::uint64_t inode = find(path);
  DX_CHECK(inode != 0);
  live_.inodes.at(inode).mode = mode;
  disk_.inodes.at(inode).mode = mode;
}

std::optional<std::string> MemoryTree::peek(std::string_view path) const {
  const std::uint64_t inode = find(path);
  if (inode == 0 || live_.inodes.at(inode).kind != Kind::File) return std::nullopt;
  return live_.inodes.at(inode).bytes;
}

std::map<std::string, std::string> MemoryTree::files() const {
  std::map<std::string, std::string> all;
  for (const auto& [path, inode] : live_.names) {
    const Inode& node = live_.inodes.at(inode);
    if (node.kind == Kind::File) all[path] = node.bytes;
  }
  return all;
}

// ---- FileTree ----

Status MemoryTree::check_parents(const WorkspacePath& path) const {
  const std::string& text = path.str();
  for (std::size_t slash = text.find('/'); slash != std::string::npos;
       slash = text.find('/', slash + 1)) {
    const std::uint64_t inode = find(std::string_view(text).substr(0, slash));
    if (inode == 0) return Error{ErrorCode::NotFound, fmt::format("{}: no such folder", text)};
    const Kind kind = live_.inodes.at(inode).kind;
    if (kind == Kind::Symlink) return not_allowed(text, "a symbolic link, which is not followed");
    if (kind != Kind::Folder) return not_allowed(text, "a file is where a folder should be");
  }
  return {};
}

Result<std::uint64_t> MemoryTree::find_regular(const WorkspacePath& path) const {
  if (Status parents = check_parents(path); !parents) {
    if (parents.error().code == ErrorCode::NotFound) return std::uint64_t{0};
    return std::move(parents).error();
  }
  const std::uint64_t inode = find(path.str());
  if (inode != 0 && live_.inodes.at(inode).kind != Kind::File)
    return not_allowed(path.str(), "not a regular file");
  return inode;
}

Status MemoryTree::check_expected(std::uint64_t inode, const Expected& expected,
                                  std::string_view shown) const {
  if (!expected.hash) {
    if (inode != 0) return conflict(shown, "there is a file of this name already");
    return {};
  }
  if (inode == 0) return conflict(shown, "another program removed the file");
  const Inode& node = live_.inodes.at(inode);
  if ((node.mode & 0400U) == 0) return not_allowed(shown, "permission denied");
  if (sha256(as_bytes(node.bytes)) != *expected.hash)
    return conflict(shown, "another program changed the file");
  return {};
}

Status MemoryTree::check_unwritten(std::uint64_t inode, std::string_view shown) const {
  if (!writers_.contains(inode)) return {};
  return Error{ErrorCode::Busy, fmt::format("{}: another program has it open for writing", shown)};
}

Result<Listing> MemoryTree::list() {
  if (gone_ && !stopped_) return Error{ErrorCode::NotFound, std::string(kRootGone)};
  DX_TRY_OK(step("list"));
  Listing listing;
  std::vector<std::string> skipped_folders;
  for (const auto& [path, inode] : live_.names) {
    if (path.empty() || is_hidden(path)) continue;
    const std::string& here = path;  // clang 14 lets no lambda capture a structured binding.
    const bool out_of_reach =
        std::any_of(skipped_folders.begin(), skipped_folders.end(),
                    [&](const std::string& folder) { return is_below(here, folder); });
    if (out_of_reach) continue;
    const Inode& node = live_.inodes.at(inode);
    const auto skip = [&](std::string reason) {
      listing.skipped.push_back({here, std::move(reason)});
      if (node.kind == Kind::Folder) skipped_folders.push_back(here);
    };
    Result<WorkspacePath> parsed = WorkspacePath::parse(path);
    if (node.kind == Kind::Symlink) {
      skip("symbolic link");
    } else if (node.kind == Kind::Pipe) {
      if (is_markdown(path)) skip("not a regular file");
    } else if (!parsed) {
      skip(parsed.error().message);
    } else if (node.kind == Kind::Folder) {
      if ((node.mode & 0400U) == 0) skip("permission denied");
    } else if (is_markdown(path) && node.bytes.size() > kMaxNoteBytes) {
      skip(fmt::format("larger than {} MiB", kMaxNoteBytes >> 20U));
    } else {
      listing.files.push_back({std::move(*parsed), stat_of(inode)});
    }
  }
  for (const auto& [folder, mounted] : mounts_) {
    if (mounted) listing.mounts.push_back(folder);
  }
  return listing;
}

Result<FileContent> MemoryTree::read(const WorkspacePath& path, std::uint64_t max_bytes) {
  DX_TRY_OK(step("read"));
  DX_TRY_OK(check_parents(path));
  DX_TRY(const std::uint64_t inode, find_regular(path));
  if (inode == 0) return Error{ErrorCode::NotFound, path.str() + ": no such file"};
  const Inode& node = live_.inodes.at(inode);
  if ((node.mode & 0400U) == 0) return not_allowed(path.str(), "permission denied");
  if (node.bytes.size() > max_bytes) {
    return Error{ErrorCode::LimitExceeded, fmt::format("{}: {} octets, at most {}", path.str(),
                                                       node.bytes.size(), max_bytes)};
  }
  return FileContent{node.bytes, stat_of(inode), writers_.contains(inode)};
}

Result<FileContent> MemoryTree::read_piece(const WorkspacePath& path, std::uint64_t offset,
                                           std::size_t most) {
  DX_TRY(FileContent whole, read(path, UINT64_MAX));
  whole.bytes = offset < whole.bytes.size() ? whole.bytes.substr(offset, most) : std::string();
  return whole;
}

Result<std::optional<bool>> MemoryTree::is_mount_point(const std::string& folder) {
  DX_TRY_OK(step("stat"));
  if (!has(folder)) return std::optional<bool>();
  const auto it = mounts_.find(folder);
  return std::optional(it != mounts_.end() && it->second);
}

void MemoryTree::mount(const std::string& folder) {
  mounts_[folder] = true;
  for (auto it = away_.begin(); it != away_.end();) {
    if (!is_below(it->first, folder)) {
      ++it;
      continue;
    }
    live_.names.insert_or_assign(it->first, it->second);
    it = away_.erase(it);
  }
}

void MemoryTree::unmount(const std::string& folder) {
  mounts_[folder] = false;
  for (auto it = live_.names.begin(); it != live_.names.end();) {
    if (!is_below(it->first, folder)) {
      ++it;
      continue;
    }
    away_.insert_or_assign(it->first, it->second);
    it = live_.names.erase(it);
  }
}

Result<std::optional<FileStat>> MemoryTree::stat(const WorkspacePath& path) {
  DX_TRY_OK(step("stat"));
  DX_TRY(const std::uint64_t inode, find_regular(path));
  if (inode == 0) return std::optional<FileStat>();
  return std::optional<FileStat>(stat_of(inode));
}

// Each folder that is made is on disk when the next step comes.
Status MemoryTree::make_parents(std::string_view path, std::uint32_t mode) {
  const std::string_view folder = parent_of(path);
  if (find(folder) != 0) return {};
  DX_TRY_OK(make_parents(folder, mode));
  DX_TRY_OK(step("make folder"));
  put(folder, add_inode(Kind::Folder, {}, mode), Sync::Yes);
  return {};
}

Result<FileStat> MemoryTree::replace(const WorkspacePath& path, std::string_view bytes,
                                     const Expected& expected) {
  const std::string& shown = path.str();
  DX_TRY_OK(step("check"));
  DX_TRY(const std::uint64_t old, find_regular(path));
  DX_TRY_OK(check_expected(old, expected, shown));
  const std::uint32_t mode = old == 0 ? 0644 : live_.inodes.at(old).mode;
  if ((mode & 0200U) == 0) return not_allowed(shown, "the file is read-only");
  DX_TRY_OK(check_unwritten(old, shown));
  DX_TRY_OK(make_parents(shown, 0755));

  const std::string temporary =
      join(path.parent(), fmt::format(".diaryx-{:016}.tmp", ++made_names_));
  const auto work = [&]() -> Result<FileStat> {
    DX_TRY_OK(step("create"));
    DX_TRY_OK(check_folder(path));
    const std::uint64_t fresh = add_inode(Kind::File, {}, mode);
    live_.names[temporary] = fresh;
    DX_TRY_OK(step("write"));
    live_.inodes.at(fresh).bytes = bytes;
    DX_TRY_OK(step("sync"));
    sync_file(fresh);
    DX_TRY_OK(step("check again"));
    DX_TRY_OK(check_folder(path));
    DX_TRY(const std::uint64_t still, find_regular(path));
    DX_TRY_OK(check_expected(still, expected, shown));
    DX_TRY_OK(install_file(path, temporary, expected));
    DX_TRY_OK(step("sync folder"));
    if (check_folder(path)) sync_names(path.parent());
    return stat_of(fresh);
  };
  Result<FileStat> done = work();
  // The process still runs: it cleans up after itself. After a power failure nobody does.
  if (!done && !stopped_) live_.names.erase(temporary);
  return done;
}

// Another program may have moved it away meanwhile, with what we made in it.
Status MemoryTree::check_folder(const WorkspacePath& path) const {
  if (find(path.parent()) != 0) return {};
  return conflict(path.str(), "another program removed the folder");
}

Status MemoryTree::install_file(const WorkspacePath& path, const std::string& temporary,
                                const Expected& expected) {
  const std::string& shown = path.str();
  DX_TRY_OK(step("rename"));
  DX_TRY_OK(check_folder(path));
  const std::uint64_t there = find(shown);
  const std::uint64_t fresh = find(temporary);
  if (!expected.hash) {
    if (there != 0) return conflict(shown, "another program made this file");
    live_.names[shown] = fresh;
    live_.names.erase(temporary);
    return {};
  }
  if (there == 0) return conflict(shown, "another program removed the file");
  live_.names[shown] = fresh;
  live_.names[temporary] = there;
  Status as_expected = step("check the old");
  if (stopped_) return as_expected;
  if (as_expected) as_expected = check_expected(there, expected, shown);
  if (as_expected) as_expected = check_unwritten(there, shown);
  if (!as_expected) {
    live_.names[shown] = there;
    live_.names[temporary] = fresh;
    return as_expected;
  }
  // That the old file stays under the temporary name is no failure of the replacement.
  Status removed = step("remove the old");
  if (stopped_) return removed;
  if (removed) live_.names.erase(temporary);
  return {};
}

Status MemoryTree::check_source(const WorkspacePath& path, const Expected& expected,
                                std::uint64_t& inode) const {
  if (!expected.hash) {
    return Error{ErrorCode::InvalidArgument,
                 path.str() + ": a file to be moved must be expected to exist"};
  }
  DX_TRY(inode, find_regular(path));
  return check_expected(inode, expected, path.str());
}

Result<std::string> MemoryTree::trash(const WorkspacePath& path, const Expected& expected) {
  std::uint64_t inode = 0;
  DX_TRY_OK(step("check"));
  DX_TRY_OK(check_source(path, expected, inode));
  const std::string trashed = fmt::format("{:08}/{}", ++made_names_, path.str());
  const std::string target = ".diaryx/trash/" + trashed;
  DX_TRY_OK(make_parents(target, 0700));
  DX_TRY_OK(step("rename"));
  DX_TRY_OK(check_source(path, expected, inode));
  live_.names.erase(path.str());
  live_.names[target] = inode;
  DX_TRY_OK(step("sync folder"));
  sync_names(parent_of(target));
  sync_names(path.parent());
  return trashed;
}

Status MemoryTree::move(const WorkspacePath& from, const WorkspacePath& to,
                        const Expected& expected) {
  std::uint64_t inode = 0;
  DX_TRY_OK(step("check"));
  DX_TRY_OK(check_source(from, expected, inode));
  if (from == to) return {};
  if (Status parents = check_parents(to); !parents && parents.error().code != ErrorCode::NotFound)
    return parents;
  DX_TRY_OK(make_parents(to.str(), 0755));
  DX_TRY_OK(step("rename"));
  DX_TRY_OK(check_source(from, expected, inode));
  if (find(to.str()) != 0) {
    return Error{ErrorCode::AlreadyExists, to.str() + ": there is something of this name already"};
  }
  live_.names.erase(from.str());
  live_.names[to.str()] = inode;
  DX_TRY_OK(step("sync folder"));
  sync_names(to.parent());
  sync_names(from.parent());
  return {};
}

}  // namespace diaryx::filesystem
