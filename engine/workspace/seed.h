// The first content of a document, the same on every machine: written by a client whose id is a
// hash of what is written, from clock 0 on. Two replicas that seed the same thing hold the same
// items, so that merging them changes nothing.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "engine/base/bytes.h"
#include "engine/workspace/file_record.h"

namespace diaryx::workspace {

struct Seed {
  std::uint64_t client_id;  // 1 .. 2^32 - 1
  Buffer update;            // Update v1 for an empty document.
};

// The records of one import, written into an empty workspace document.
Seed seed_records(const std::map<std::string, FileRecord, std::less<>>& records);
// A body: root Y.Text `body`. An empty text gives an empty update.
Seed seed_body(std::string_view file_id, std::string_view text);

}  // namespace diaryx::workspace
