// Steps on snapshots: snapshot.take, restore, delta, map, array, equal, contains.
#pragma once

#include "tests/compat/document_steps.h"
#include "tests/compat/report.h"

namespace diaryx::compat {

// False if the step is none of these.
bool run_snapshot_step(DocumentSteps& documents, const OrderedJson& step, Report& report);

}  // namespace diaryx::compat
