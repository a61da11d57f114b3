// Documents → Markdown bytes. Rendering what was just imported gives back the same bytes, for every
// file in the world.
#pragma once

#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/workspace/file_record.h"

namespace diaryx::workspace {

// Takes record.header and changes the entries whose value there differs from the record, and no
// others. Links that still mean the same file keep their text. `updated` is set to
// record.modified_at only where the header has it already and something else changed. A header that
// cannot be read is left as it is. Then the body, verbatim; CRLF and BOM as the record says.
std::string render_file(const FileRecord& record, std::string_view body, const LinkResolver& links);

}  // namespace diaryx::workspace
