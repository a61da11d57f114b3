// What a workspace looked like when disk and documents last had nothing to say to each other, so
// that the next look can see without reading any document that nothing has changed.
//
//   meta "level" = {"seq":N,"files":N,"left_out":N,"strangers":"hex","problems":[[path, reason]]}
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/filesystem/file_tree.h"
#include "engine/storage/store.h"
#include "engine/sync/importer.h"

namespace diaryx::sync {

struct Level {
  std::int64_t seq = 0;  // The workspace document's last.
  std::uint64_t files = 0, left_out = 0;
  std::string strangers;  // hash_strangers() of the listing.
  Problems problems;
  bool operator==(const Level&) const = default;
};

// Of the Markdown files that the ledger does not know, with their stats, and of what was skipped.
// Each in the order of a Listing. SHA-256, hex.
std::string hash_strangers(const std::vector<filesystem::Listed>& files,
                           const std::vector<filesystem::Skipped>& skipped);

Result<std::optional<Level>> load_level(storage::Store& store);
// Writes only what differs.
Status save_level(storage::Store& store, const Level& level);

// The level that was noted, and the files as they were then.
struct Noted {
  Level level;
  std::vector<storage::LedgerStamp> stamps;
};
// Nothing if a document has changed since, or something waits to be written. Reads the store, which
// may be another process's.
Result<std::optional<Noted>> load_noted(storage::Store& store);
// Whether all files are still as they were.
bool is_still_level(const Noted& noted, const filesystem::Listing& listing);

}  // namespace diaryx::sync
