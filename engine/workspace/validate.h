// Is the workspace sound? Findings only; nothing is changed. docs/validate.md tells of each kind
// what causes it and what mends it.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "engine/base/json.h"
#include "engine/workspace/metadata_doc.h"

namespace diaryx::workspace {

enum class IssueKind {
  BrokenParentChain,  // part_of names a file that is not there (never was, or is deleted).
  MissingChild,       // A contents item names a file that is not there.
  OrphanBodyDoc,      // A body document without a record.
  MissingBodyDoc,     // A record without a body document, though its file on disk has a body.
  LinkCycle,          // Following part_of comes back to the same file.
  DuplicatePath,      // Two live records claim one path.
  InvalidPath,        // A record's path is not one we would ever write.
  BrokenLink,  // A link that resolves to no file (attachments included), or out of the workspace.
  UnreadableFile,     // A file on disk that is not synced, with the reason.
  UnreadableHeader,   // The header is not YAML we can read; the body is synced.
  UnreadableRecord,   // A record in the document that cannot be understood.
  TwoParents,         // Two files list it in their contents, or another than its part_of does.
  CaseCollision,      // Two paths that are one on a disk which ignores case or normalises names.
  NotMaterialised,    // A live record without a file on disk, and nothing waits to be written.
  AttachmentChanged,  // An attachment's file is not what its record says.
  DamagedDocument,    // A stored document that cannot be read, or contradicts itself.
  DamagedStore,       // The database holds what was not written, or cannot be read.
  NotTakenIn,         // The file was changed since disk and documents last agreed.
  NotWritten,         // The documents are ahead of the file: it waits to be written.
};
std::string_view to_string(IssueKind kind) noexcept;  // "BrokenParentChain", …

// Notes are of things that pass by themselves; they make a workspace no less sound.
enum class Severity { Note, Warning, Error };
std::string_view to_string(Severity severity) noexcept;  // "note", "warning", "error"

struct Issue {
  IssueKind kind;
  Severity severity;
  std::string path;     // Of the file; "" if it has none.
  std::string key;      // File id, or the body document's key.
  std::string message;  // A sentence that names both ends.
};

// {"kind","severity","path","key","message"}
OrderedJson to_json(const Issue& issue);

// An attachment as it lies on disk.
struct AttachedFile {
  std::string hash;        // SHA-256, hex.
  std::uint64_t size = 0;  // Octets.
};

struct ValidateInput {
  const MetadataDoc& metadata;
  std::set<std::string> body_docs;     // File ids that have a body document.
  std::set<std::string> orphan_paths;  // Paths of body documents that wait for their record.
  std::set<std::string> empty_bodies;  // File ids, and paths of orphan_paths, without any text.
  std::map<std::string, bool>
      on_disk;  // Every file below the root → has it a non-empty body (Markdown) / true.
  std::vector<std::pair<std::string, std::string>> unreadable_files;  // path, reason
  std::map<std::string, std::string> damaged_documents = {};  // store name, what is wrong with it
  std::vector<std::string> store_faults = {};  // What the store itself finds, a line each.
  std::set<std::string> not_taken_in = {};     // Paths whose file is not what we last agreed on.
  std::set<std::string> not_written = {};      // Paths whose documents are ahead.
  // Attachments whose record has a hash: path on disk → what is there.
  std::map<std::string, AttachedFile> attachments = {};
};

struct ValidateReport {
  std::uint64_t files = 0;    // Live records.
  std::uint64_t bodies = 0;   // Live records with a body document.
  std::vector<Issue> issues;  // Sorted by path, then kind.
  bool ok() const noexcept;   // Nothing but notes.
};

ValidateReport validate(const ValidateInput& input);

// Live note → the live notes that list it in their `contents`.
std::map<std::string, std::set<std::string>> parents_by_child(const MetadataDoc& metadata);

}  // namespace diaryx::workspace
