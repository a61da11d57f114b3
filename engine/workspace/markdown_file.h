// A Markdown file taken apart: byte order mark, line ends, header, body; and put together again,
// octet for octet.
//
//   file    := [BOM] [header] body
//   header  := "---" space* eol  line*  "---" space* (eol | end of file)
//   eol     := LF | CR LF      space := " " | TAB      line: one that is not such a fence
//
// If every line break of the file is CRLF (and there is at least one, and no lone CR), `eol` is
// Crlf and header and body hold LF; otherwise `eol` is Lf and any CR stays in the text.
// join_markdown(split_markdown(x)) == x for every UTF-8 text x without NUL.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "engine/base/result.h"

namespace diaryx::workspace {

enum class Eol { Lf, Crlf };

struct MarkdownFile {
  bool bom = false;
  Eol eol = Eol::Lf;
  std::optional<std::string> header;  // Verbatim, both fences and the last line break included.
  std::string body;                   // Everything after it, verbatim.

  bool operator==(const MarkdownFile&) const = default;
};

// Malformed if the bytes are not UTF-8 or contain NUL (a binary file in disguise), with the offset
// of the first bad octet.
Result<MarkdownFile> split_markdown(std::string_view bytes);
// Whether `text`, with a line break behind it if it ends without one, is all of the header that
// split_markdown() finds in front of a body.
bool is_header(std::string_view text);
// A header that does not end its last line (it ended the file) gets a line break if a body follows
// it now. Under Crlf every LF becomes CRLF; a CR that stands before one already counts as part of
// it.
std::string join_markdown(const MarkdownFile& file);

}  // namespace diaryx::workspace
