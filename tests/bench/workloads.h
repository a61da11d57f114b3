// What is measured. Each workload checks what it made, after its time is taken: wrong is an error,
// not fast. Files are those of data.h.
//
//   W1, W1b        replay b4.trace, one transaction an edit; W1 with an observer that takes each
//                  update, W1b without
//   W2v1, W2v2     encode the document after W1
//   W3v1, W3v2     apply b4.v1 or b4.v2 to an empty document and read the text
//   W4             apply b4.updates, the updates of W1, one by one
//   W5b, W5c, W5d  without a document: merge b4.updates; diff b4.merged.v1 against b4.half.sv;
//                  merge b4.half.v1 and b4.diff.v1
//   W6…            apply concurrent histories update by update
//   W7a-, W7b-     a map of 10,000 records: set (one transaction each), encode, load; b after
//                  10,000 random keys were set again
//   W8             encode the document after W1 against b4.half.sv
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
// Nothing if there is no such workload. Stops the program on a wrong result or missing data.
std::optional<Outcome> run_workload(const Data& data, const std::string& name);

// Of text_workloads.cc, merge_workloads.cc and map_workloads.cc.
Outcome type_text(const Data& data, bool observed);                  // W1, W1b
Outcome encode_text(const Data& data, int version);                  // W2
Outcome load_text(const Data& data, int version);                    // W3
Outcome receive_updates(const Data& data, const std::string& name);  // W4 (b4), W6
Outcome encode_rest_of_text(const Data& data);                       // W8
Outcome merge_all(const Data& data);                                 // W5b
Outcome diff_merged(const Data& data);                               // W5c
Outcome merge_halves(const Data& data);                              // W5d
Outcome set_records(const Data& data, bool again);                   // W7a-set, W7b-set
Outcome encode_records(const Data& data, bool again);                // W7a-enc, W7b-enc
Outcome load_records(const Data& data, bool again);                  // W7a-load, W7b-load

}  // namespace diaryx::bench
