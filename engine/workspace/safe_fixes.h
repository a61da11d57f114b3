// What validation finds and a program may mend without asking. A fix changes records only, takes
// away nothing that somebody wrote, and where two answers are possible there is none: that is a
// person's to decide.
//
//   InvalidPath        a path like it that can be written
//   DuplicatePath      the path under which the file is kept anyway becomes its own
//   OrphanBodyDoc      a text without a note: a note at the path it waits for, or in `recovered/`
//   BrokenParentChain  the one note that lists it becomes its parent
//   TwoParents         the parent that it names keeps it; or, if that one does not list it, the
//                      one that does becomes its parent
//   MissingChild       the entry of a deleted note goes out of `contents`
//   AttachmentChanged  the record tells of the file that is there now
#pragma once

#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>

#include "engine/workspace/validate.h"

namespace diaryx::workspace {

struct Fix {
  IssueKind kind;
  std::string path;                           // Of the note it is about, as it was.
  std::string message;                        // What is so afterwards, as a sentence.
  std::map<std::string, FileRecord> records;  // File id → its record as it shall be.
};

// The kinds above, in the order in which they are to be mended: what comes later builds on it.
std::span<const IssueKind> fixable_kinds() noexcept;

class SafeFixes {
 public:
  // `input` must outlive it, and describe the workspace as it is when fix() is called; who lists
  // whom is looked at once, which holds for all fixes of one kind.
  explicit SafeFixes(const ValidateInput& input);

  // Nothing: there is no safe one. `issue` is one that validate(input) found.
  std::optional<Fix> fix(const Issue& issue) const;

 private:
  std::optional<Fix> write_path(const Issue& issue, const FileRecord& record) const;
  std::optional<Fix> keep_path(const Issue& issue, const FileRecord& record) const;
  std::optional<Fix> make_note(const Issue& issue) const;
  std::optional<Fix> follow_list(const Issue& issue, const FileRecord& record) const;
  std::optional<Fix> leave_others(const Issue& issue, const FileRecord& record) const;
  std::optional<Fix> drop_deleted(const Issue& issue, const FileRecord& record) const;
  std::optional<Fix> tell_of_file(const Issue& issue, const FileRecord& record) const;
  bool is_below(const std::string& id, const std::string& above) const;
  bool is_free(const std::string& path) const;
  std::string free_path_like(const std::string& path, const std::string& id) const;

  const ValidateInput& input_;
  const MetadataDoc& metadata_;
  std::map<std::string, std::set<std::string>> listed_by_;  // Child → the notes that list it.
};

}  // namespace diaryx::workspace
