// A FileRecord as it stands in the workspace document: a Y.Map per file, so that edits of different
// fields merge.
//
//   path              string                     title, description, part_of   string; absent
//   without contents          Y.Array of strings; absent: not an index      audience   Y.Array of
//   strings; absent without attachments       Y.Array of Y.Map { path, source, hash, mime_type,
//   size, uploaded_at?, deleted }; absent without extra             Y.Map: header key → value;
//   absent without deleted           true: a tombstone           modified_at    ms           eol
//   "crlf"          bom   true header            string: the header as last seen on disk, fences
//   and all; absent if the file has none
//
// New keys are written in this order (row by row, left to right). A peer may have written anything:
// a value of a wrong type counts as absent, field by field and item by item; a plain list or object
// counts as the shared one. Text that is no UTF-8 becomes U+FFFD. A header that does not start and
// end with its fences counts as absent.
//
// The original stored FileMetadata as JSON in a string: that is read, too. Its key is the path if
// it looks like one.
#pragma once

#include <optional>
#include <string_view>

#include "engine/crdt/doc.h"
#include "engine/workspace/file_record.h"

namespace diaryx::workspace {

// `id`: the key under which `value` stands. Nothing if it is no record at all.
std::optional<FileRecord> read_record(std::string_view id, const crdt::Value& value);

// Makes what stands under `id` in `files` say `record`: sets, inserts and erases only what differs,
// item by item in lists. To be called inside a transaction.
void write_record(crdt::Map files, std::string_view id, const FileRecord& record);

}  // namespace diaryx::workspace
