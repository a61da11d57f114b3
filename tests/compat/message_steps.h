// Steps on messages without a document: sync.update, envelope.encode, frame.encode, frame.decode.
#pragma once

#include "tests/compat/report.h"

namespace diaryx::compat {

// False if the step is none of these.
bool run_message_step(const OrderedJson& step, Report& report);

// Of a message that starts with 00 (sync), what follows: y-protocols' sync messages come without
// it.
Bytes without_envelope(Bytes message);

}  // namespace diaryx::compat
