// Files → documents. What changed on disk becomes the smallest edits of the documents that say the
// same; what both sides changed is kept from both (three-way against the ledger's base).
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "engine/sync/documents.h"
#include "engine/sync/file_table.h"
#include "engine/sync/intake.h"

namespace diaryx::sync {

// What somebody should know about a path: it is not synced, or could not be written. By path.
using Problems = std::map<std::string, std::string>;

class Importer {
 public:
  Importer(Documents& documents, FileTable& table, Problems& problems, const IntakeRules& rules)
      : documents_(documents),
        table_(table),
        problems_(problems),
        intake_(documents.metadata(), rules) {}

  // One file as read.
  struct Observed {
    WorkspacePath path;
    filesystem::FileContent content;
    Sha256 hash{};
  };

  // A file that the ledger knows. Takes in what changed, if anything did.
  Status known(const std::string& id, Observed&& file);
  // Whether a file with these octets, where that of `id` was to be written for the first time, may
  // be it, and changed since (or, `exactly`, just it).
  bool may_be_ours(const std::string& id, const std::string& bytes, bool exactly);
  // Files that the ledger does not know, found together. They are taken in as one batch, so that
  // links between them resolve and the same folder gives the same records on every machine. Text
  // that is not UTF-8 becomes a problem.
  Status fresh(std::vector<Observed>&& files);
  // The file of `id` is gone from disk: tombstoned, unless its document has edits that the disk
  // never saw.
  Status vanished(const std::string& id);
  // The same file at another place, with possibly other content. `lost_at`: where it was when it
  // was believed to be gone, if it was.
  Status moved(const std::string& id, Observed&& file, std::string_view lost_at = {});
  // Link texts that resolve by now become file ids.
  void relink();

  // As the documents have it now. The record must be live.
  Result<std::string> render(const std::string& id);

  std::uint64_t updated = 0;  // Files taken in, new or changed, since the object was made.
  std::uint64_t deleted = 0;
  std::uint64_t left_out = 0;  // Files that the rules keep out, each time they are looked at.

 private:
  struct Side {  // One side of the three-way merge.
    workspace::MarkdownFile file;
    workspace::FileRecord fields;
    bool readable = true;
  };
  struct Arrival {  // A file that the ledger does not know.
    Observed file;
    workspace::MarkdownFile parts;
    std::string id;
    bool may_seed;
  };
  Side side(workspace::MarkdownFile file, const std::string& path,
            const workspace::LinkResolver& links) const;
  // `base`: what disk and document agreed on; nothing if they never did.
  Status merge(const std::string& id, Observed&& file, workspace::MarkdownFile&& disk,
               const workspace::MarkdownFile* base);
  Status merge_body(const std::string& id, const std::string& base, const std::string& theirs);
  // The ids among `ids` (path → id) whose files are not to be taken in.
  std::set<std::string> not_wanted(const std::vector<Arrival>& files,
                                   const std::map<std::string, std::string>& ids) const;
  Result<bool> may_become(const std::string& id, const std::string& bytes,
                          const workspace::MarkdownFile& file);
  Status take_in_unseeded(const std::string& id, Observed&& file, workspace::MarkdownFile&& disk);
  Status merge_again(const std::string& id, Observed&& file, workspace::MarkdownFile&& disk);
  std::optional<workspace::MarkdownFile> split(const Observed& file);

  Documents& documents_;
  FileTable& table_;
  Problems& problems_;
  Intake intake_;
};

}  // namespace diaryx::sync
