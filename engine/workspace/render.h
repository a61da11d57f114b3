// Documents → Markdown bytes. Rendering what was just imported gives back the same bytes, for every
// file in the world.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/workspace/file_record.h"

namespace diaryx::workspace {

// Takes record.header and changes the entries whose value there differs from the record, and no
// others. Links that still mean the same file keep their text; a link to a file that moved keeps
// its title. Ids of deleted or unknown files are never written: what the header says of such a file
// stays. A header that cannot be read is left as it is. Then the body, verbatim; CRLF and BOM as
// the record says.
//
// New entries go to the end: title, part_of, contents, audience, description, attachments, then the
// keys of `extra` in the order of their octets. `updated` is set to record.modified_at only where
// the header has it already and something else in the header changed, in the form and time zone
// that it has there.
//
// An attachment that the header names by a text alone stays a text, whatever else the record knows
// of it. A change that YAML cannot express within the limits of a header is left out; the others
// are made.
//
// A body that itself starts like a header (or with a byte order mark) gets an empty header in front
// if it has none: else the file would say something else than the documents when it is read again.
std::string render_file(const FileRecord& record, std::string_view body, const LinkResolver& links);

// The header alone: what render_file() puts before the body.
std::optional<std::string> render_header(const FileRecord& record, const LinkResolver& links);

}  // namespace diaryx::workspace
