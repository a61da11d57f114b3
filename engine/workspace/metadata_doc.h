// The workspace document: root Y.Map `files`, file id → a Y.Map per record (keys: docs/formats.md),
// with an index kept beside it.
//
// A record stored as a JSON string (as the original did) is read, and becomes a map at the next
// write. A record that cannot be read at all is left alone and listed by unreadable().
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
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
  // with smaller ids claim the same path. Nothing if deleted, unknown, or the path is no
  // WorkspacePath ending in ".md".
  std::optional<std::string> path_of(std::string_view id) const;
  // The live record whose file is there.
  std::optional<std::string> id_at(std::string_view path) const;
  // The most recently written tombstone with that `path`, if any.
  std::optional<std::string> tombstone_at(std::string_view path) const;

  // Takes in what a transaction changed. Returns the ids whose record changed, or whose path_of()
  // did, ascending.
  std::vector<std::string> refresh(const crdt::TransactionSummary& summary);

  // Writes only what differs from the stored record, field by field (arrays item by item), inside
  // the caller's transaction or one of its own with `origin`. Creates the record if there is none.
  void put(const std::string& id, const FileRecord& record, crdt::Origin origin);

  // The id a file found on disk at `path` gets: derived from the path; the first of a fixed
  // sequence that no record uses.
  std::string id_for_path(std::string_view path) const;

  // Format for new links: `link_format` of the root index, else markdown_root.
  LinkFormat link_format() const;
  // Live records with `contents` and without `part_of`; the root index is the one with the
  // shortest, then smallest path.
  std::optional<std::string> root_index() const;

  // LinkResolver.
  std::optional<std::string> id_of(std::string_view link_text,
                                   std::string_view from) const override;
  std::optional<std::string> link_to(std::string_view id, std::string_view from) const override;

 private:
  // Yours to design.
  crdt::Doc& doc_;
  std::map<std::string, FileRecord, std::less<>> records_;
  std::vector<std::string> unreadable_;
};

// The update that writes `records` (id → record) into an empty workspace document by one client
// whose id is a hash over the batch: the same batch gives the same bytes on every machine.
struct Seed {
  std::uint64_t client_id;
  Buffer update;
};
Seed seed_records(const std::map<std::string, FileRecord, std::less<>>& records);
// The same for a body: root Y.Text `body`. An empty text gives an empty update.
Seed seed_body(std::string_view file_id, std::string_view text);

}  // namespace diaryx::workspace
