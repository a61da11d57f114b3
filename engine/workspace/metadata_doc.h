// The workspace document: root Y.Map `files`, file id → a Y.Map per record, with an index kept
// beside it.
//
//   path, title, description, part_of    string; absent: none
//   header                               string; absent: none. Counts only if it is a whole header
//   contents, audience                   Y.Array of strings; absent: none, empty: an empty list
//   attachments                          Y.Array of objects with the fields of Attachment
//   extra                                Y.Map: header key → any JSON-like value; its order means
//                                        nothing
//   deleted, bom                         true, else absent
//   modified_at                          ms since 1970, a number
//   eol                                  "crlf", else absent
//
// A record stored as a JSON string (as the original did; there the file id is its path, or else the
// record names its file) is read, and becomes a map at the next write. Peers may write anything: a
// field of a wrong type reads as absent. A record that is neither a map nor such a string is left
// alone and listed by unreadable().
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "engine/base/keyed_hash.h"
#include "engine/crdt/doc.h"
#include "engine/workspace/file_record.h"
#include "engine/workspace/link.h"
#include "engine/workspace/record_map.h"

namespace diaryx::workspace {

// Whether `record` is an index without a parent, and nearer to the root than `best`, which may be
// null: in fewer folders, else the shorter path, else the smaller.
bool is_rather_root(const FileRecord& record, const FileRecord* best) noexcept;

class MetadataDoc : public LinkResolver {
 public:
  // Reads all records. `doc` must outlive it and its root `files` must be a Y.Map; call refresh()
  // from its observer.
  explicit MetadataDoc(crdt::Doc& doc);

  // Valid, and up to date, as long as the document has the record. A record is read when it is
  // first asked for; records() asks for all of them.
  const FileRecord* find(std::string_view id) const;
  const std::map<std::string, FileRecord, std::less<>>& records() const;
  bool has(std::string_view id) const { return outlines_.contains(id); }
  std::size_t size() const noexcept { return outlines_.size(); }
  struct Count {
    std::size_t live = 0, deleted = 0;
    std::size_t with_path = 0;  // Live ones for which path_of() says one.
  };
  Count count() const;
  // Ids of those that list attachments, ascending.
  const std::set<std::string>& with_attachments() const noexcept { return with_attachments_; }
  const std::set<std::string>& unreadable() const noexcept { return unreadable_; }

  // Where a live record's file is: its `path`, or with " (2)", " (3)", … before ".md" if records
  // with smaller ids claim the same path. Nothing if deleted, unknown, or the path is no
  // WorkspacePath ending in ".md", also with its number.
  std::optional<std::string> path_of(std::string_view id) const;
  // Whether path_of() says one.
  bool has_path(std::string_view id) const;
  // The live record whose file is there.
  std::optional<std::string> id_at(std::string_view path) const;
  // The most recently written tombstone with that `path`, if any.
  std::optional<std::string> tombstone_at(std::string_view path) const;

  // Takes in what a transaction changed. Returns the ids whose record changed, or whose path_of()
  // did, ascending.
  std::vector<std::string> refresh(const crdt::TransactionSummary& summary);

  // Writes only what differs from the stored record, field by field (lists by their differing
  // middle, `extra` key by key), as one transaction. Creates the record if there is none.
  void put(const std::string& id, const FileRecord& record, crdt::Origin origin);

  // The id a file found on disk at `path` gets: 16 URL-safe characters derived from the path; the
  // first of a fixed sequence that no record uses.
  std::string id_for_path(std::string_view path) const;

  // Format for new links: `link_format` of the root index (also inside a `workspace_config`
  // mapping), else markdown_root.
  LinkFormat link_format() const;
  // Live records with `contents` and without `part_of`; the root index is the one in the fewest
  // folders, then with the shortest, then smallest path.
  std::optional<std::string> root_index() const;

  // The live file that an entry of `contents`, or a `part_of`, of the record at `from` means: an
  // id, or the text of a link.
  std::optional<std::string> target_of(std::string_view link, std::string_view from) const;

  // LinkResolver. A target is looked up as written, then percent-decoded; an ambiguous one as the
  // link format says, then the other way.
  std::optional<std::string> id_of(std::string_view link_text,
                                   std::string_view from) const override;
  std::optional<std::string> link_to(std::string_view id, std::string_view from) const override;
  // Also true of what only looks like an id: 16 characters as id_for_path() makes them, or a UUID.
  bool is_file_id(std::string_view text) const override;

 private:
  struct Root {
    std::optional<std::string> id;
    LinkFormat format;
  };
  using Ids = std::vector<std::string>;  // Ascending.
  void read_all();
  bool reload(const std::string& id);
  std::optional<FileRecord> read(std::string_view id, const crdt::ValueView& value) const;
  const RecordOutline* outline(std::string_view id) const;
  void add_linking_to(const std::set<std::string>& targets, std::set<std::string>& ids) const;
  void index(const std::string& id, const RecordOutline& record);
  void unindex(const std::string& id, const RecordOutline& record);
  // Effective paths of all records that share a path with another; those with a path of their own
  // are not in it.
  std::map<std::string, std::string> displaced() const;
  const Root& root() const;

  crdt::Doc& doc_;
  std::map<std::string, RecordOutline, std::less<>> outlines_;      // Of all.
  mutable std::map<std::string, FileRecord, std::less<>> records_;  // What somebody has asked for.
  std::set<std::string> with_attachments_;
  std::set<std::string> unreadable_;
  using IdsByPath = std::unordered_map<std::string, Ids, KeyedHash>;
  IdsByPath claims_;                              // Live ids with that `path`.
  IdsByPath tombstones_;                          // Deleted ids.
  std::set<std::string> contested_;               // paths with more than one claim
  std::map<std::string, std::string> displaced_;  // id → effective path
  std::unordered_map<std::string, std::string, KeyedHash> displaced_by_path_;
  mutable std::optional<Root> root_;
};

}  // namespace diaryx::workspace
