// Steps on relative positions: relpos.create, relpos.resolve, relpos.fromJson.
#pragma once

#include "tests/compat/document_steps.h"
#include "tests/compat/report.h"

namespace diaryx::compat {

// False if the step is none of these.
bool run_relpos_step(DocumentSteps& documents, const OrderedJson& step, Report& report);

}  // namespace diaryx::compat
