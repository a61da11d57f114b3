// The value of each header entry as a record has it, beside the entry's own form: what
// read_fields() tells, and what rendering needs to see which entry changed.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/workspace/file_record.h"
#include "engine/workspace/timestamp.h"

namespace diaryx::workspace {

// The entries that are fields of a record, in the order in which new ones are written.
inline constexpr std::string_view kFieldKeys[] = {"title",    "part_of",     "contents",
                                                  "audience", "description", "attachments"};

struct HeaderView {
  FileRecord record;  // As read_fields() gives it.
  std::optional<Error> unreadable;
  std::string part_of_text;                 // The links as they stand in the header.
  std::vector<std::string> contents_texts;  // One for each of record.contents.
  codec::AnyArray attachment_values;        // One for each of record.attachments: a text or a map.
  bool audience_is_text = false;            // A bare text, not a list of one.
  bool has_updated = false;                 // A moment that we understand, and how it is written:
  bool updated_is_number = false;
  Timestamp updated;
};
HeaderView view_header(const std::optional<std::string>& header, std::string_view path,
                       const LinkResolver& links);

}  // namespace diaryx::workspace
