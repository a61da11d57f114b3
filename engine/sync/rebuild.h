// A fresh store from what is left of a damaged one, from the files on disk and from git.
//
// Documents that came through whole are taken over as they are, log and all. Of the others the text
// is written anew, by the first of these that has it:
//
//   ledger   what disk and document last agreed on; what the disk says since is then taken in as
//            any change on disk is
//   disk     the file
//   git      the note as last committed
//   log      what is left of the document
//
// What is left of such a document and differs from what was chosen is handed back, to be kept
// aside. A document that looks whole and differs from what was agreed on, though nothing says that
// it was ahead of the disk, has lost its end, and counts as damaged.
//
// Rebuilt documents have no history in common with those that browsers hold: the caller gives the
// store another epoch.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/clock.h"
#include "engine/filesystem/file_tree.h"
#include "engine/storage/salvage.h"
#include "engine/storage/store.h"

namespace diaryx::sync {

struct Rebuilt {
  std::string path;    // Of the note; "" for the records of all.
  std::string source;  // "ledger", "disk", "git", "log"; "nothing": it is lost.
  std::string message;
};

struct RebuildInput {
  const storage::Salvage& salvage;
  filesystem::FileTree& files;
  const std::map<WorkspacePath, std::string>& committed;  // history::committed_notes().
};

struct RebuildReport {
  std::uint64_t whole = 0;                                 // Documents taken over as they were.
  std::vector<Rebuilt> rebuilt;                            // By path.
  std::vector<std::pair<std::string, std::string>> aside;  // Path → text that was left over.
  std::vector<std::string> only_in_git;  // Neither on disk nor known to the store: left alone.
};

// Whether there is something to mend in what the salvage found; what it is, a line each. Empty: the
// store is healthy.
std::vector<std::string> find_damage(const storage::Salvage& salvage);

// `fresh` is empty but for its schema, and has no epoch afterwards: that, and a workspace id if
// none was left, are the caller's to set.
Result<RebuildReport> rebuild(const RebuildInput& input, storage::Store& fresh, const Clock& clock);

}  // namespace diaryx::sync
