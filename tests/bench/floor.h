// What the same octets cost without a CRDT: the time that no engine can go below by much. Each
// workload of workloads.h has a floor here.
//
//   W1, W1b        the trace onto a gap buffer; W1 writes an update of the usual size for each edit
//   W3, W4, W6,    read every field of every struct of the updates and keep a record of 32 octets
//   W5, W7-load    for each, and its content in one heap; W5b and W5d also write what comes out
//   W7-set         write an update for each record, and keep the record
//   W2, W8, W7-enc, W5c   write as many octets as come out
#pragma once

#include <optional>
#include <string>

#include "tests/bench/workloads.h"

namespace diaryx::bench {

// Nothing if the workload has no floor (formats v2 of updates: they hold the same in fewer octets).
std::optional<Outcome> run_floor(const Data& data, const std::string& name);

}  // namespace diaryx::bench
