// The records of a Diaryx 1.4: root Y.Map `files`, key → FileMetadata as JSON text. A key is a path
// (it has a "/" or ends in ".md"), or else an id, a UUID; then the record names its file and its
// parent, and where the file is follows from the chain of parents.
//
//   keys      "\" is "/"; "./" and "/" in front mean nothing. Of several keys that are one, the
//             record that was modified last counts, a live one before a deleted one.
//   paths     in a chain of ids a parent that is an index file ("work/index.md") stands for its
//             folder; one that is none stands for a folder of its name.
//   links     a key, a path from the root, or the text of a link
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/crdt/doc.h"
#include "engine/workspace/file_record.h"

namespace diaryx::workspace {

struct OldRecords {
  // By key. `path` is where the file is; part_of and contents are as Diaryx wrote them.
  std::map<std::string, FileRecord, std::less<>> by_key;
  std::vector<std::pair<std::string, std::string>> left_out;  // Key → why.
};

// True for keys that say where their file is.
bool is_path_key(std::string_view key) noexcept;
// As above.
std::string old_key(std::string_view raw);
// Why a file of that path cannot be a note; nothing: it can.
std::optional<std::string> why_no_note(const std::string& path);

// `on_disk`: the paths of the Markdown files that are there: a chain of ids often does not say in
// which folder a file is; where just one file has its name, it is that.
OldRecords read_old_records(const crdt::Map& files, const std::set<std::string>& on_disk);

// Links between the records become ids (`id_of_key`), those that lead nowhere the text of a link
// from the root.
void link_old_record(FileRecord& record,
                     const std::map<std::string, std::string, std::less<>>& id_of_key,
                     const std::map<std::string, std::string, std::less<>>& key_at_path);

}  // namespace diaryx::workspace
