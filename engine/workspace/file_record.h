// One file's record: what the workspace document says of it. In memory here; as a shared map in
// metadata_doc.h.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/json.h"
#include "engine/codec/any.h"
#include "engine/workspace/markdown_file.h"

namespace diaryx::workspace {

// An attached binary file. Its bytes never enter a document.
struct Attachment {
  std::string path;              // Link text or workspace-relative path, as in the header.
  std::string source = "local";  // "local", "pending" or a URL.
  std::string hash;              // SHA-256, hex; empty if unknown.
  std::string mime_type;
  std::uint64_t size = 0;                   // octets
  std::optional<std::int64_t> uploaded_at;  // ms
  bool deleted = false;

  bool operator==(const Attachment&) const = default;
};

struct FileRecord {
  std::string
      path;  // Where it is on disk, relative. Not yet checked: a peer may have written anything.
  std::optional<std::string> title, description;
  // Links: a file id where the link resolves to a file of the workspace, else the link's text as it
  // stands in the header.
  std::optional<std::string> part_of;
  std::optional<std::vector<std::string>>
      contents;  // Nothing: not an index. Empty: an index without children.
  std::optional<std::vector<std::string>> audience;
  std::vector<Attachment> attachments;
  codec::AnyObject extra;  // Every other header key, in file order.
  bool deleted = false;
  std::int64_t modified_at = 0;  // ms
  Eol eol = Eol::Lf;
  bool bom = false;
  std::optional<std::string> header;  // As last seen on disk; nothing if the file has none.

  bool operator==(const FileRecord&) const = default;
};

// FileMetadata as commands, --json and the manifest show it: always the ten fields, in the
// original's order. Links show as paths: `path_of` turns a file id into a path, or returns nothing
// and the text is shown as it is.
OrderedJson to_file_metadata(
    const FileRecord& record,
    const std::function<std::optional<std::string>(const std::string&)>& path_of);

// --- Header ⇄ record ---

// Resolves link texts to file ids and back. `from` is the path of the file that the link stands in.
class LinkResolver {
 public:
  virtual ~LinkResolver() = default;
  // The id of the live file that the link means; nothing if there is none.
  virtual std::optional<std::string> id_of(std::string_view link_text,
                                           std::string_view from) const = 0;
  // The link text for the file `id`, to stand in the file `from`; nothing if there is no such live
  // file.
  virtual std::optional<std::string> link_to(std::string_view id, std::string_view from) const = 0;
  // Whether `text` is the id of a file, live or deleted or not yet heard of, and so must not be
  // shown to a person as a link.
  virtual bool is_file_id(std::string_view text) const {
    static_cast<void>(text);
    return false;
  }
};

// The fields of a record that a header says: everything but path, deleted, eol and bom. `header` is
// stored as given. Lenient field by field: a title that is a number becomes its text; a field of a
// wrong shape stays in `extra`. modified_at comes from `updated` (RFC 3339, or ms) and is 0 without
// it; `updated` itself stays in `extra`. A header that cannot be read gives an empty record with
// `header` set, and `unreadable` says why and where.
struct HeaderFields {
  FileRecord record;
  std::optional<Error> unreadable;
};
HeaderFields read_fields(const std::optional<std::string>& header, std::string_view path,
                         const LinkResolver& links);

// Copies into `record` those fields of `theirs` that differ from `base` (three-way, field by field;
// `extra` key by key). Path, deleted, eol, bom are not touched; `header` always becomes theirs.
void merge_fields(FileRecord& record, const FileRecord& base, const FileRecord& theirs);

}  // namespace diaryx::workspace
