// How often validation has held a commit back, one time after the other: the store remembers it
// from one process to the next.
//
//   meta "failed_validations" = decimal number; absent: 0
#pragma once

#include <cstdint>
#include <span>

#include "engine/base/result.h"
#include "engine/storage/store.h"
#include "engine/workspace/validate.h"

namespace diaryx::sync {

// From so many on a rebuild is recommended, if one would help.
inline constexpr std::uint64_t kFailuresBeforeRebuild = 3;

// Validations that failed since the last good one, or the last repair.
Result<std::uint64_t> failed_validations(storage::Store& store);
Status set_failed_validations(storage::Store& store, std::uint64_t count);

// Whether some of these are errors of the store, which `repair` mends, and not of the notes.
bool rebuild_would_help(std::span<const workspace::Issue> issues) noexcept;

}  // namespace diaryx::sync
