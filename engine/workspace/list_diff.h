// Lists of texts (children, audiences): where two differ, and what becomes of one that two sides
// changed.
#pragma once

#include <string>
#include <vector>

#include "engine/workspace/sequence_diff.h"

namespace diaryx::workspace {

std::vector<Hunk> diff_lists(const std::vector<std::string>& a, const std::vector<std::string>& b);

// Three-way: an entry added by both sides is added once; one that either side removed is gone; the
// rest keeps ours' order, with theirs' new entries where they belong.
std::vector<std::string> merge_lists(const std::vector<std::string>& base,
                                     const std::vector<std::string>& ours,
                                     const std::vector<std::string>& theirs);

}  // namespace diaryx::workspace
