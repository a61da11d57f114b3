// What was deleted: `.diaryx/trash/<UTC time>-<random>/<path>`, each file in a folder of its own
// (FileTree::trash puts it there). This is the way back.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/path.h"
#include "engine/base/result.h"
#include "engine/filesystem/confined_root.h"

namespace diaryx::filesystem {

struct TrashEntry {
  std::string name;             // "20260229T235959Z-k3x9qd7m/notes/a.md": unique, sorts by time.
  std::string path;             // Where it was: "notes/a.md".
  std::int64_t deleted_ms = 0;  // Wall, full seconds; 0 if the name does not say.
  std::uint64_t size = 0;       // Octets.
};

class Trash {
 public:
  // `root` is the workspace's. NotFound, NotAllowed. A workspace without a trash has an empty one.
  static Result<Trash> open(const std::filesystem::path& root);

  // Oldest first. Folders, links and anything that is no regular file are not listed.
  Result<std::vector<TrashEntry>> list() const;
  // Moves the entry to `to`, in one step; never over another file (AlreadyExists). Makes parent
  // folders. NotFound if there is no such entry.
  Status restore(std::string_view name, const WorkspacePath& to) const;
  // Removes for good. NotFound.
  Status remove(std::string_view name) const;

 private:
  explicit Trash(ConfinedRoot root) : root_(std::move(root)) {}
  Status list_below(const std::string& folder, std::vector<TrashEntry>& out) const;
  void remove_empty_parents(std::string_view name) const;

  ConfinedRoot root_;
};

// "20260229T235959Z-…" → ms since 1970; 0 if it is not of that form.
std::int64_t parse_trash_time(std::string_view name);

}  // namespace diaryx::filesystem
