#include "engine/filesystem/trash.h"

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <memory>

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/filesystem/disk_file.h"

namespace diaryx::filesystem {
namespace {

constexpr std::string_view kTrash = ".diaryx/trash";
// Deeper than any path that was ever put there.
constexpr std::size_t kMaxDepth = 1'000;

struct CloseDir {
  void operator()(DIR* dir) const noexcept { (void)::closedir(dir); }
};

std::string below_trash(std::string_view name) {
  return fmt::format("{}/{}", kTrash, name);
}

// A name as list() gave it: nothing that leads anywhere else.
bool is_entry_name(std::string_view name) {
  std::size_t parts = 0;
  while (true) {
    const std::string_view part = name.substr(0, name.find('/'));
    if (part.empty() || part == "." || part == ".." || part.find('\0') != std::string_view::npos)
      return false;
    ++parts;
    if (part.size() == name.size()) return parts > 1;
    name.remove_prefix(part.size() + 1);
  }
}

struct Place {
  std::string folder;  // Below the root.
  std::string name;
};
Place place_of(std::string_view below_root) {
  const std::size_t slash = below_root.rfind('/');
  if (slash == std::string_view::npos) return {"", std::string(below_root)};
  return {std::string(below_root.substr(0, slash)), std::string(below_root.substr(slash + 1))};
}

Error no_such_entry(std::string_view name) {
  return {ErrorCode::NotFound, fmt::format("{}: not in the trash", name),
          "`diaryx-sync trash list` shows what is"};
}

}  // namespace

std::int64_t parse_trash_time(std::string_view name) {
  // 20260229T235959Z-
  constexpr std::string_view kForm = "00000000T000000Z-";
  if (name.size() < kForm.size()) return 0;
  for (std::size_t i = 0; i < kForm.size(); ++i) {
    const bool digit = name[i] >= '0' && name[i] <= '9';
    if (kForm[i] == '0' ? !digit : name[i] != kForm[i]) return 0;
  }
  const auto number = [&](std::size_t at, std::size_t count) {
    int value = 0;
    for (std::size_t i = at; i < at + count; ++i) value = value * 10 + (name[i] - '0');
    return value;
  };
  std::tm utc{};
  utc.tm_year = number(0, 4) - 1900;
  utc.tm_mon = number(4, 2) - 1;
  utc.tm_mday = number(6, 2);
  utc.tm_hour = number(9, 2);
  utc.tm_min = number(11, 2);
  utc.tm_sec = number(13, 2);
  return static_cast<std::int64_t>(::timegm(&utc)) * 1000;
}

Result<Trash> Trash::open(const std::filesystem::path& root) {
  DX_TRY(ConfinedRoot confined, ConfinedRoot::open(root));
  return Trash(std::move(confined));
}

Status Trash::list_below(const std::string& folder, std::vector<TrashEntry>& out) const {
  // Folders wait in a list rather than on the stack.
  std::vector<std::string> waiting{folder};
  while (!waiting.empty()) {
    const std::string at = std::move(waiting.back());
    waiting.pop_back();
    Fd fd;
    const int number = root_.try_open(at, O_RDONLY | O_DIRECTORY, fd);
    if (number == ENOENT || number == ELOOP || number == ENOTDIR) continue;
    if (number != 0) return open_error(number, at);
    const int raw = fd.release();
    const std::unique_ptr<DIR, CloseDir> dir(::fdopendir(raw));
    if (!dir) {
      Fd(raw).reset();
      return errno_error(ENOMEM, at);
    }
    while (const dirent* found = ::readdir(dir.get())) {
      const std::string_view name = found->d_name;
      if (name == "." || name == "..") continue;
      struct stat is {};
      if (::fstatat(raw, found->d_name, &is, AT_SYMLINK_NOFOLLOW) != 0) continue;  // Gone by now.
      std::string below = fmt::format("{}/{}", at, name);
      const auto depth = static_cast<std::size_t>(std::count(below.begin(), below.end(), '/'));
      if (S_ISDIR(is.st_mode) && depth < kMaxDepth) {
        waiting.push_back(std::move(below));
      } else if (S_ISREG(is.st_mode) && at != kTrash) {
        std::string entry = below.substr(kTrash.size() + 1);
        const std::int64_t deleted = parse_trash_time(entry);
        std::string path = entry.substr(entry.find('/') + 1);
        out.push_back({.name = std::move(entry),
                       .path = std::move(path),
                       .deleted_ms = deleted,
                       .size = static_cast<std::uint64_t>(is.st_size)});
      }
    }
  }
  return {};
}

Result<std::vector<TrashEntry>> Trash::list() const {
  std::vector<TrashEntry> entries;
  DX_TRY_OK(list_below(std::string(kTrash), entries));
  std::sort(entries.begin(), entries.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  return entries;
}

Status Trash::restore(std::string_view name, const WorkspacePath& to) const {
  if (!is_entry_name(name)) return no_such_entry(name);
  const Place from = place_of(below_trash(name));
  Fd source;
  const int number = root_.try_open(from.folder, O_RDONLY | O_DIRECTORY, source);
  if (number == ENOENT) return no_such_entry(name);
  if (number != 0) return open_error(number, name);
  struct stat is {};
  if (::fstatat(source.get(), from.name.c_str(), &is, AT_SYMLINK_NOFOLLOW) != 0 ||
      !S_ISREG(is.st_mode)) {
    return no_such_entry(name);
  }
  DX_TRY(const ConfinedRoot::Folder target, root_.make_folder(to.parent(), 0777));
  const std::string last(to.name());
  const int renamed =
      rename_exclusive(source.get(), from.name.c_str(), target.fd.get(), last.c_str());
  if (renamed != 0) {
    root_.remove_made(target);
    if (renamed == EEXIST) {
      return Error{ErrorCode::AlreadyExists, to.str() + ": there is a file of that name",
                   "restore it under another with --to"};
    }
    return errno_error(renamed, to.str());
  }
  if (::fsync(target.fd.get()) != 0 || ::fsync(source.get()) != 0)
    return errno_error(errno, to.str() + ": sync of its folder");
  remove_empty_parents(name);
  return {};
}

Status Trash::remove(std::string_view name) const {
  if (!is_entry_name(name)) return no_such_entry(name);
  const Place at = place_of(below_trash(name));
  Fd folder;
  const int number = root_.try_open(at.folder, O_RDONLY | O_DIRECTORY, folder);
  if (number == ENOENT) return no_such_entry(name);
  if (number != 0) return open_error(number, name);
  if (::unlinkat(folder.get(), at.name.c_str(), 0) != 0) {
    if (errno == ENOENT) return no_such_entry(name);
    return errno_error(errno, name);
  }
  remove_empty_parents(name);
  return {};
}

// An empty folder says nothing; that one cannot be removed now is no harm.
void Trash::remove_empty_parents(std::string_view name) const {
  while (true) {
    const std::size_t slash = name.rfind('/');
    if (slash == std::string_view::npos) return;
    name = name.substr(0, slash);
    const Place at = place_of(below_trash(name));
    Fd folder;
    if (root_.try_open(at.folder, O_RDONLY | O_DIRECTORY, folder) != 0) return;
    if (::unlinkat(folder.get(), at.name.c_str(), AT_REMOVEDIR) != 0) return;
  }
}

}  // namespace diaryx::filesystem
