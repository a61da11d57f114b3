// Comparing updates where Yjs may have left neighbouring GC structs apart, which depends on a
// document's history. This engine always joins them.
#pragma once

#include "engine/base/bytes.h"

namespace diaryx::compat {

// Is the update the expected one, or that one with neighbouring GC structs joined?
bool same_but_for_gaps(Bytes expected, Bytes got, bool v2);

}  // namespace diaryx::compat
