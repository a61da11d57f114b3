// What is measured. Each workload checks its result before its time counts: wrong is an error, not
// fast.
//
//   W1, W1b     replay the trace b4, one transaction an edit; with an observer that takes each
//   update, and without W2v1        encode the document after W1        W8    the same against the
//   state vector of half of it W3v1        apply b4.v1 to an empty document and read the text W4
//   apply the 259,778 updates of W1 one by one W5b, W5d    merge them without a document; merge
//   b4.half.v1 with b4.diff.v1 W6…         apply concurrent histories update by update W7a-, W7b-
//   a map of 10,000 records: set, encode, load; b after setting 10,000 random keys again
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tests/bench/data.h"
#include "tests/bench/measure.h"

namespace diaryx::bench {

struct Outcome {
  Timing timing;
  std::size_t bytes = 0;  // Of the updates or the encoding that the workload makes or takes.
};

const std::vector<std::string>& workload_names();
// Nothing if there is no such workload. Stops the program on a wrong result.
std::optional<Outcome> run_workload(Data& data, const std::string& name);

}  // namespace diaryx::bench
