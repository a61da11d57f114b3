// Steps on lib0's encodings: codec, codec.decode, column.
#pragma once

#include "tests/compat/report.h"

namespace diaryx::compat {

// False if the step is none of these.
bool run_codec_step(const OrderedJson& step, Report& report);

}  // namespace diaryx::compat
