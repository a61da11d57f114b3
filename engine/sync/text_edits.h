// Edits of a text as octets, made in the shared text that says the same.
#pragma once

#include <string_view>
#include <vector>

#include "engine/crdt/doc.h"
#include "engine/workspace/text_diff.h"

namespace diaryx::sync {

// `before` is what `text` says now, as UTF-8; the edits are of `before`. Run it in a transaction,
// so that they become one update.
void apply_text_edits(crdt::Text text, std::string_view before,
                      const std::vector<workspace::TextEdit>& edits);

}  // namespace diaryx::sync
