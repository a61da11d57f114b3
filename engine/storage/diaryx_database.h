// The database of a Diaryx 1.4, read-only: what `init --import-db` takes over.
//
//   documents (name TEXT PRIMARY KEY, state BLOB, state_vector BLOB, updated_at INTEGER)
//   updates   (id INTEGER PRIMARY KEY, doc_name TEXT, data BLOB, origin TEXT, timestamp INTEGER, …)
//
// A document is its state and all of its updates, each an update v1 and opaque here; applying one
// twice does no harm. Times are ms since 1970. Columns beyond those, and other tables, are not
// looked at.
//
// The file may come from anybody. It is never changed, and nothing is written beside it: where a
// write-ahead log or a journal lies beside it, all of it is copied to a folder of our own, and the
// copy is read, so that what the log holds is not lost.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "engine/base/bytes.h"
#include "engine/base/result.h"
#include "engine/storage/store.h"

namespace diaryx::storage {

struct DiaryxUpdate {
  std::int64_t id = 0;  // Ascending over all documents.
  Buffer data;
  UpdateOrigin origin = UpdateOrigin::Local;
  std::int64_t time_ms = 0;  // 0 … 2^53 - 1
};

struct DiaryxDocument {
  std::string name;                   // UTF-8.
  std::vector<Buffer> states;         // One, or none. A file without our keys may hold more.
  std::int64_t state_ms = 0;          // When the newest of them was written.
  std::vector<DiaryxUpdate> updates;  // By id.
  // When it was last written, as far as the rows say.
  std::int64_t last_ms() const;
};

struct DiaryxDatabase {
  std::vector<DiaryxDocument> documents;  // By name.
  struct LeftOut {
    std::string what;  // The document, and which row of it.
    std::string why;
  };
  std::vector<LeftOut> left_out;  // Rows that are none of a document.
};

// NotFound; NotAllowed (no regular file, may not be read); Malformed: no database, or none of
// Diaryx; Unsupported: of another version; Busy: it was written to meanwhile; InvalidArgument: a
// store of ours; Io, NoSpace.
Result<DiaryxDatabase> read_diaryx_database(const std::filesystem::path& file);

}  // namespace diaryx::storage
