// The rows that a document has to itself in `updates`: an update each, or several packed into one
// (packed.h). Reading a row costs more than applying what is in it, so that few rows make a long
// log quick to load.
#pragma once

#include <cstdint>
#include <span>

#include "engine/base/result.h"
#include "engine/storage/sqlite.h"
#include "engine/storage/store.h"

namespace diaryx::storage {

// How many of `updates`, from the first on, go into one row: those of the same document that follow
// each other, are small, and whose times can be packed. At least 1.
std::size_t row_length(std::span<const NewUpdate> updates);

// Writes `updates`, which row_length() gave, as one row of document `doc`. Their numbers are from
// `first_seq` on. Within a transaction.
Status append_row(Database& db, std::int64_t doc, std::int64_t first_seq,
                  std::span<const NewUpdate> updates);

// A row of entries (packed.h), the last of which has number `seq`. `doc` may be kTurns.
Status insert_packed(Database& db, std::int64_t doc, std::int64_t seq, std::int64_t time_ms,
                     Bytes entries);

}  // namespace diaryx::storage
