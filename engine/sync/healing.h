// Mends what validation found and what may be mended without asking (workspace/safe_fixes.h), and
// takes it back if it was not what the person wanted.
//
// Mending edits the records of the workspace document, as a person would in the editor: everybody
// who is connected sees it, files follow by the usual way, and it is durable after the turn. What
// the records said before is kept in the store with it:
//
//   meta "fixes/<n>" = {"time_ms":N,"changes":[{"id","before","after"}]}   n counts up, ten digits
//
// `before` and `after` hold those of path, part_of, contents, deleted and attachments that differ,
// and the header as it was and as it was going to be written, so that the file gets its old octets
// back; `before` is null for a note that was made. The last kMostKept are kept.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/base/json.h"
#include "engine/base/result.h"
#include "engine/filesystem/file_tree.h"
#include "engine/sync/disk_sync.h"
#include "engine/sync/documents.h"
#include "engine/workspace/safe_fixes.h"

namespace diaryx::sync {

struct Mended {
  workspace::IssueKind kind;
  std::string path;
  std::string message;
};

struct HealReport {
  std::vector<Mended> mended;
  workspace::ValidateReport left;  // What validation finds afterwards; after a trial: now.
};

struct UndoReport {
  std::int64_t time_ms = 0;         // When that was mended; wall.
  std::vector<std::string> undone;  // Paths.
  std::vector<std::string> kept;    // Paths: changed again since, and left as they are.
};

// {"kind","path","message"}
OrderedJson to_json(const Mended& mended);
// {"time_ms","undone","kept"}
OrderedJson to_json(const UndoReport& report);

class Healing {
 public:
  static constexpr std::size_t kMostKept = 20;

  // All must outlive it.
  Healing(Documents& documents, const DiskSync& disk, filesystem::FileTree& files)
      : documents_(documents), disk_(disk), files_(files) {}

  // `trial`: only says what it would do. Part of the turn.
  Result<HealReport> heal(bool trial);
  // Takes the last heal() back that mended anything. NotFound: there is none left.
  Result<UndoReport> undo();

 private:
  Documents& documents_;
  const DiskSync& disk_;
  filesystem::FileTree& files_;
};

}  // namespace diaryx::sync
