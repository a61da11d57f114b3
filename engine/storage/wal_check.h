// SQLite reads its write-ahead log up to the first frame whose checksum is wrong, and takes that
// for its end: right after a crash, which can tear only the transaction that was being written. If
// whole transactions follow, the log was damaged later, and what they held would be lost without a
// word.
//
//   log    := header frame*          all numbers 32 bits, high octet first
//   header := magic version page_size checkpoint salt1 salt2 sum1 sum2
//   frame  := page_number size_after_commit salt1 salt2 sum1 sum2 page
//
// size_after_commit is 0 but in the last frame of a transaction; frames whose salts differ from the
// header's are of an older log. https://www.sqlite.org/fileformat2.html#walformat
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "engine/base/bytes.h"
#include "engine/base/result.h"

namespace diaryx::storage {

// What is wrong with the log, for a person; nothing if all is well.
std::optional<std::string> wal_fault(Bytes log);
// Of the log beside that database. Also while another process writes to it.
Result<std::optional<std::string>> wal_fault_beside(const std::filesystem::path& database);

}  // namespace diaryx::storage
