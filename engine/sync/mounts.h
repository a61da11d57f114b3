// File systems that are mounted below the root. When one goes away its folder is empty, or holds
// what lay under it; when one comes over a folder with notes, they are out of reach. In both cases
// the notes there are away, not deleted, until the folder is again as it was, or somebody says that
// they are gone by removing the empty folder.
//
//   meta "mount/<folder>" = "1"   a file system was mounted there when all was well
//
// Away is a folder that is no mount point any more, or has become one, and in which none of its
// notes is found. If one is found, somebody has moved them, and it is a folder like any other.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/filesystem/file_tree.h"
#include "engine/sync/documents.h"
#include "engine/sync/file_table.h"

namespace diaryx::sync {

class Mounts {
 public:
  explicit Mounts(Documents& documents) : documents_(documents) {}
  Status load();

  void listed(const filesystem::Listing& listing, const FileTable& table);
  // ReadTask::mounts of this file: what is not found is deleted only if all of them are as they
  // were.
  std::vector<std::pair<std::string, bool>> above(std::string_view path) const;
  // The folder that is away with this file.
  std::optional<std::string> away_with(std::string_view path) const;
  struct Away {
    std::string message;  // For the person.
    std::string probe;    // One of its notes.
  };
  const std::map<std::string, Away, std::less<>>& away() const noexcept { return away_; }
  // The folder itself is not there any more (or is again as it was): whoever took it away has said
  // that its notes are gone. They are when the root is listed next.
  void give_up(const std::string& folder);

 private:
  void set(const std::string& folder, bool mounted);

  Documents& documents_;
  std::set<std::string, std::less<>> mounted_;  // As it was when all was well.
  std::set<std::string, std::less<>> given_up_;
  std::map<std::string, Away, std::less<>> away_;
};

}  // namespace diaryx::sync
