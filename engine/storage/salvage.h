// What can still be read of a damaged store: row by row, past what cannot. Each row is held to its
// checksum; what is given back is what was written.
//
// Nothing is done to the store itself. It is copied, and the copy is read; where the first page,
// with the schema, is damaged, the copy gets that of a fresh store: the tables of every store of a
// version begin at the same pages.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "engine/storage/store.h"

namespace diaryx::storage {

struct SalvagedDoc {
  std::string name;
  StoredDoc stored;  // The snapshot, if it is whole, and those updates that are.
  bool whole = true;
};

struct Salvage {
  std::vector<SalvagedDoc> docs;
  std::map<std::string, LedgerEntry> ledger;  // By file id; only whole ones.
  std::map<std::string, std::string> meta;
  std::vector<std::string> faults;  // What is wrong with the store, a line each.
  std::uint64_t lost_ledger = 0;    // Entries that could not be read.
};

// `scratch`: a folder for the copy, which is removed again. NotFound; TooNew for a store of a newer
// version, which is left alone; Io, NoSpace. However bad the store is, that is no error: then
// little or nothing comes back.
Result<Salvage> salvage(const std::filesystem::path& database,
                        const std::filesystem::path& scratch);

}  // namespace diaryx::storage
