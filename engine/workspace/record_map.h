// A record as a shared map, both ways. The keys are in metadata_doc.h.
#pragma once

#include <optional>
#include <string>

#include "engine/crdt/doc.h"
#include "engine/workspace/file_record.h"

namespace diaryx::workspace {

// Any map is a record: fields of a wrong type read as absent. `extra` comes sorted by key.
FileRecord read_record(const crdt::Map& map);
// What an index over many records needs of each: a fraction of it.
struct RecordOutline {
  std::string path;
  bool deleted = false;
  bool is_index = false;         // It has `contents`.
  bool has_parent = false;       // It has `part_of`.
  bool has_attachments = false;  // Something is listed there.
};
// As read_record() would have it.
RecordOutline read_outline(const crdt::Map& map);
RecordOutline outline_of(const FileRecord& record);
// The original's form: FileMetadata as JSON text. `id` is the key it is stored under: its path, if
// it looks like one; else the path is the `filename`. Keys that are none of the ten join `extra`.
// Nothing if it is not that.
std::optional<FileRecord> read_json_record(std::string_view id, std::string_view json);

// Writes what differs from `stored` (nothing: writes all), inside the caller's transaction.
void write_record(crdt::Map map, const FileRecord* stored, const FileRecord& record);

}  // namespace diaryx::workspace
