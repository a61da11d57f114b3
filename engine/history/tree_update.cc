#include "engine/history/tree_update.h"

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

#include "engine/base/check.h"

namespace diaryx::history {
namespace {

struct Entry {
  std::uint32_t
      mode;  // As it stands in the tree: old repositories have modes that nobody writes any more.
  git_oid id;

  bool is_folder() const noexcept { return mode == GIT_FILEMODE_TREE; }
  bool is_file() const noexcept { return !is_folder() && mode != GIT_FILEMODE_COMMIT; }
};
using Entries = std::map<std::string, Entry, std::less<>>;

using ChangeIterator = std::vector<TreeChange>::const_iterator;

// What is left of a folder after the changes.
struct Folder {
  std::optional<git_oid> id;  // Nothing: it is empty.
  std::uint64_t changed = 0;
};

Entries read_entries(const git_tree* tree) {
  Entries entries;
  const std::size_t count = tree == nullptr ? 0 : git_tree_entrycount(tree);
  for (std::size_t i = 0; i < count; ++i) {
    const git_tree_entry* entry = git_tree_entry_byindex(tree, i);
    entries.emplace_hint(entries.end(), git_tree_entry_name(entry),
                         Entry{static_cast<std::uint32_t>(git_tree_entry_filemode_raw(entry)),
                               *git_tree_entry_id(entry)});
  }
  return entries;
}

std::string serialise(const Entries& entries) {
  std::vector<std::pair<std::string, const Entry*>> sorted;  // Name with the "/" it is sorted by.
  sorted.reserve(entries.size());
  for (const auto& [name, entry] : entries) {
    sorted.emplace_back(entry.is_folder() ? name + "/" : name, &entry);
  }
  std::sort(sorted.begin(), sorted.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  std::string bytes;
  for (auto& [name, entry] : sorted) {
    if (entry->is_folder()) name.pop_back();
    std::string mode;
    for (std::uint32_t rest = entry->mode; rest > 0; rest >>= 3U) {
      mode.insert(mode.begin(), static_cast<char>('0' + (rest & 7U)));
    }
    bytes.append(mode).append(" ").append(name).push_back('\0');
    bytes.append(reinterpret_cast<const char*>(entry->id.id), GIT_OID_RAWSZ);
  }
  return bytes;
}

class Updater {
 public:
  Updater(git_repository* repository, ObjectWriter& objects)
      : repository_(repository), objects_(objects) {}

  // Applies the changes in [first, last), which all lie below the folder whose path is `depth`
  // octets long.
  Result<Folder> update(const git_tree* base, ChangeIterator first, ChangeIterator last,
                        std::size_t depth) {
    Entries entries = read_entries(base);
    std::uint64_t changed = 0;
    while (first != last) {
      const std::string_view rest = std::string_view(first->path).substr(depth);
      const std::size_t slash = rest.find('/');
      if (slash == std::string_view::npos) {
        changed += apply_file(entries, rest, first->file) ? 1U : 0U;
        ++first;
        continue;
      }
      const std::string_view prefix = std::string_view(first->path).substr(0, depth + slash + 1);
      const auto end = std::find_if(first, last, [&](const TreeChange& change) {
        return std::string_view(change.path).substr(0, prefix.size()) != prefix;
      });
      DX_TRY(const std::uint64_t below,
             apply_folder(entries, rest.substr(0, slash), first, end, prefix.size()));
      changed += below;
      first = end;
    }
    if (entries.empty()) return Folder{std::nullopt, changed};
    if (changed == 0 && base != nullptr) return Folder{*git_tree_id(base), 0};
    DX_TRY(const git_oid id, objects_.add(GIT_OBJECT_TREE, serialise(entries)));
    return Folder{id, changed};
  }

 private:
  static bool apply_file(Entries& entries, std::string_view name,
                         const std::optional<TreeFile>& file) {
    const auto found = entries.find(name);
    if (!file) {
      if (found == entries.end() || !found->second.is_file()) return false;
      entries.erase(found);
      return true;
    }
    if (found == entries.end()) {
      entries.emplace(name, Entry{file->mode, file->id});
      return true;
    }
    Entry& entry = found->second;
    if (entry.mode == file->mode && git_oid_equal(&entry.id, &file->id) != 0) return false;
    entry = Entry{file->mode, file->id};
    return true;
  }

  Result<std::uint64_t> apply_folder(Entries& entries, std::string_view name, ChangeIterator first,
                                     ChangeIterator last, std::size_t depth) {
    const auto found = entries.find(name);
    const bool is_folder = found != entries.end() && found->second.is_folder();
    TreeHandle tree;
    if (is_folder) {
      git_tree* raw = nullptr;
      const int code = git_tree_lookup(&raw, repository_, &found->second.id);
      tree.reset(raw);
      if (code < 0) return git_failure(code, "read the folder " + std::string(name));
    }
    DX_TRY(const Folder folder, update(tree.get(), first, last, depth));
    if (folder.changed == 0) return 0;
    if (!folder.id) {
      entries.erase(found);  // A change in an empty folder: it was there and had files.
      return folder.changed;
    }
    entries.insert_or_assign(std::string(name), Entry{GIT_FILEMODE_TREE, *folder.id});
    return folder.changed;
  }

  git_repository* repository_;
  ObjectWriter& objects_;
};

}  // namespace

Result<TreeUpdate> update_tree(git_repository* repository, const git_tree* base,
                               const std::vector<TreeChange>& changes, ObjectWriter& objects) {
  DX_CHECK(
      std::is_sorted(changes.begin(), changes.end(),
                     [](const TreeChange& a, const TreeChange& b) { return a.path < b.path; }));
  DX_TRY(const Folder top,
         Updater(repository, objects).update(base, changes.begin(), changes.end(), 0));
  if (top.id) return TreeUpdate{*top.id, top.changed};
  DX_TRY(const git_oid empty, objects.add(GIT_OBJECT_TREE, std::string()));
  return TreeUpdate{empty, top.changed};
}

}  // namespace diaryx::history
