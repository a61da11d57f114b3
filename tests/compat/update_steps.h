// Steps on updates without a document: mergeUpdates, diffUpdate, svFromUpdate, convert…,
// updateMeta, encodeSv, decodeSv.
#pragma once

#include "tests/compat/report.h"

namespace diaryx::compat {

// False if the step is none of these.
bool run_update_step(const OrderedJson& step, Report& report);

}  // namespace diaryx::compat
