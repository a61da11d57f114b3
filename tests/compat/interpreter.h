// Runs one case: its steps in order, each handed to whoever knows its noun.
#pragma once

#include "tests/compat/case_file.h"
#include "tests/compat/report.h"

namespace diaryx::compat {

void run_case(const CaseFile& kase, Report& report);

}  // namespace diaryx::compat
