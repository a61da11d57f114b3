// Steps that feed hostile bytes (corpus/README.md, "Malformed input"): each on a document of its
// own, within limits of time and memory.
#pragma once

#include "tests/compat/case_file.h"
#include "tests/compat/report.h"

namespace diaryx::compat {

// False if the step is no such step.
bool run_malformed_step(const CaseFile& kase, const OrderedJson& step, Report& report);

}  // namespace diaryx::compat
