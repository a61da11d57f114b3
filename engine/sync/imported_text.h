// The text of one note as a Diaryx 1.4 database has it: a document put together from rows that may
// be damaged, and what can be said of its history.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/random.h"
#include "engine/crdt/doc.h"
#include "engine/storage/diaryx_database.h"
#include "engine/workspace/markdown_file.h"

namespace diaryx::sync {

using LeftOutRows = std::vector<std::pair<std::string, std::string>>;  // What → why.

// One row, good to be applied after those before it.
struct ImportedRow {
  Buffer data;
  storage::UpdateOrigin origin;
  std::int64_t time_ms;
};

struct ImportedDocument {
  std::unique_ptr<crdt::Doc> doc;
  std::vector<ImportedRow> rows;  // Snapshots, then updates.
  std::size_t states = 0;         // So many of them are snapshots.
};

// As far as its rows can be read: those that cannot are told of in `left_out`. Nothing if nothing
// is left, or the root `root` is something else than `kind`.
std::optional<ImportedDocument> put_together(const storage::DiaryxDocument& stored,
                                             std::string_view root, crdt::TypeKind kind,
                                             Random& random, LeftOutRows& left_out);

// Both have something of the same writer: then one comes from the other, and merging them is safe.
bool share_history(const crdt::Doc& a, const crdt::Doc& b);

// Whether the text was `text` at some time, as far as the log goes back.
bool was_once(const ImportedDocument& body, std::string_view text);

// Every line of `text` is in `other`, in that order: nothing would be lost with `text`.
bool is_contained(std::string_view text, std::string_view other);

// A text whose line breaks are all CRLF gets the LFs that our documents have; Crlf if it was one.
workspace::Eol use_line_feeds(ImportedDocument& body, std::int64_t time_ms);

}  // namespace diaryx::sync
