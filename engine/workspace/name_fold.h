// Names that differ only in the case of their letters, or in how an accent is written: two files on
// one disk, one file on another.
#pragma once

#include <string>
#include <string_view>

namespace diaryx::workspace {

// Equal for paths that a disk which ignores case, or normalises Unicode, takes for one: Unicode's
// case folding, then normal form C. What is no UTF-8 folds to itself.
std::string fold_name(std::string_view path);

}  // namespace diaryx::workspace
