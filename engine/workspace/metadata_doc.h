// The workspace document: root Y.Map `files`, file id → a Y.Map per record (its keys:
// record_map.h), with an index kept beside it.
//
// A record stored as a JSON string (as the original did) is read, and becomes a map at the next
// write. A record that cannot be read at all is left alone and listed by unreadable().
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/crdt/doc.h"
#include "engine/workspace/file_record.h"
#include "engine/workspace/link.h"

namespace diaryx::workspace {

class MetadataDoc : public LinkResolver {
 public:
  // Reads all records. `doc` must outlive it; call refresh() from the document's observer.
  explicit MetadataDoc(crdt::Doc& doc);

  const FileRecord* find(std::string_view id) const;
  const std::map<std::string, FileRecord, std::less<>>& records() const noexcept {
    return records_;
  }
  const std::vector<std::string>& unreadable() const noexcept { return unreadable_; }

  // Where a live record's file is: its `path`, or with " (2)", " (3)", … before ".md" if records
  // with smaller ids claim the same path; a name that another live record claims outright is
  // skipped. Nothing if deleted, unknown, or the path is no WorkspacePath ending in ".md".
  std::optional<std::string> path_of(std::string_view id) const;
  // The live record whose file is there.
  std::optional<std::string> id_at(std::string_view path) const;
  // The most recently written tombstone with that `path`, if any.
  std::optional<std::string> tombstone_at(std::string_view path) const;

  // Takes in what a transaction changed, put() included: until then find() and path_of() tell the
  // state before it. Returns the ids whose record changed, or whose path_of() did, ascending.
  std::vector<std::string> refresh(const crdt::TransactionSummary& summary);

  // Writes only what differs from the stored record, field by field (arrays item by item), inside
  // the caller's transaction or one of its own with `origin`. Creates the record if there is none.
  void put(const std::string& id, const FileRecord& record, crdt::Origin origin);

  // The id a file found on disk at `path` gets: 16 characters of kUrlSafeAlphabet derived from the
  // SHA-256 of the path; the first of a fixed sequence that no record uses.
  std::string id_for_path(std::string_view path) const;

  // Format for new links: `link_format` of the root index (in its `workspace_config`, inline or
  // linked, before its own), else markdown_root.
  LinkFormat link_format() const noexcept { return link_format_; }
  // Of the live records with `contents` and without `part_of`, the one nearest to the top: see
  // is_nearer_root().
  std::optional<std::string> root_index() const;

  // LinkResolver. A target is looked up as it stands, then with its percent escapes decoded; an
  // ambiguous one as the link format says, then the other way.
  std::optional<std::string> id_of(std::string_view link_text,
                                   std::string_view from) const override;
  // The title is the record's, else made from its path.
  std::optional<std::string> link_to(std::string_view id, std::string_view from) const override;
  // Also true of what only looks like an id: 16 characters as id_for_path() makes them, or a UUID.
  bool is_file_id(std::string_view text) const override;

 private:
  using Ids = std::set<std::string, std::less<>>;

  std::optional<crdt::Map> files() const;
  // Reads the record `id` anew; tells whether it changed. Notes the paths whose claims did.
  bool reread(const crdt::Map& files, const std::string& id, std::set<std::string>& paths);
  void forget(const std::string& id, const FileRecord& record, std::set<std::string>& paths);
  void remember(const std::string& id, const FileRecord& record, std::set<std::string>& paths);
  // Gives out the names of all records that claim one of `paths`; adds the ids whose name changed.
  void assign(std::set<std::string> paths, std::set<std::string>& changed);
  void note_unreadable(const std::string& id, bool unreadable);
  void note_root(const std::string& id);
  LinkFormat read_link_format() const;

  crdt::Doc& doc_;
  std::map<std::string, FileRecord, std::less<>> records_;
  std::vector<std::string> unreadable_;
  std::unordered_map<std::string, Ids> claims_;      // path → live records that say it
  std::unordered_map<std::string, Ids> tombstones_;  // path → deleted ones
  std::unordered_map<std::string, std::string> place_of_, at_place_;  // id → path it has, and back
  struct NearerRoot {
    bool operator()(const std::pair<std::string, std::string>& a,
                    const std::pair<std::string, std::string>& b) const;
  };
  std::set<std::pair<std::string, std::string>, NearerRoot> roots_;  // path, id
  LinkFormat link_format_ = LinkFormat::MarkdownRoot;
};

// Which of two files is rather the root index: the one in fewer folders, then with the shorter
// path, then the smaller one.
bool is_nearer_root(std::string_view path, std::string_view than);

// What a link means among files that `id_at` knows: the rule of MetadataDoc::id_of.
std::optional<std::string> resolve_link(
    std::string_view link_text, std::string_view from, LinkFormat hint,
    const std::function<std::optional<std::string>(const std::string&)>& id_at);

// Resolves links as if some files were already at the paths where an import is about to put them.
class PlannedLinks : public LinkResolver {
 public:
  // `known` must outlive it. `planned`: path → id of new files, and of files that are about to move
  // there.
  PlannedLinks(const MetadataDoc& known, std::map<std::string, std::string> planned);
  std::optional<std::string> id_of(std::string_view link_text,
                                   std::string_view from) const override;
  std::optional<std::string> link_to(std::string_view id, std::string_view from) const override;
  bool is_file_id(std::string_view text) const override;

 private:
  const MetadataDoc& known_;
  std::map<std::string, std::string> by_path_;
  std::map<std::string, std::string, std::less<>> by_id_;
};

// The update that writes `records` (id → record) into an empty workspace document by one client
// whose id is a hash over the batch: the same batch gives the same bytes on every machine. The id
// is 1 .. 2^32 - 1. No records: an empty update (00 00).
struct Seed {
  std::uint64_t client_id;
  Buffer update;
};
Seed seed_records(const std::map<std::string, FileRecord, std::less<>>& records);
// The same for a body: root Y.Text `body`. An empty text gives an empty update.
Seed seed_body(std::string_view file_id, std::string_view text);

}  // namespace diaryx::workspace
