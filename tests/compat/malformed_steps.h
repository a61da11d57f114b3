// Steps that feed hostile bytes: `malformed`. Each is held to the corpus' limits of time and
// memory.
#pragma once

#include "tests/compat/case_file.h"
#include "tests/compat/report.h"

namespace diaryx::compat {

// False if the step is none of these.
bool run_malformed_step(const CaseFile& kase, const OrderedJson& step, Report& report);

}  // namespace diaryx::compat
