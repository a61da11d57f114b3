// Links between notes as they stand in headers, in four formats, and the paths they mean.
//
//   markdown_root (default)  [Title](/a/b.md)      markdown_relative  [Title](../b.md)
//   plain_relative           ../b.md               plain_canonical    a/b.md
//
// The URL is wrapped in <> if it contains a space or a round or pointed bracket; pointed ones in it
// become %3C and %3E. Square brackets of a title become round ones: readers disagree about where
// such a title ends.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "engine/base/result.h"

namespace diaryx::workspace {

enum class LinkFormat { MarkdownRoot, MarkdownRelative, PlainRelative, PlainCanonical };
std::optional<LinkFormat> parse_link_format(std::string_view text);  // "markdown_root", …
std::string_view to_string(LinkFormat format) noexcept;

enum class LinkBase { Root, Relative, Ambiguous };
struct Link {
  std::optional<std::string> title;
  std::string target;  // Without a leading "/"; percent escapes as written.
  LinkBase base;
};
// Never fails: what is no Markdown link is a plain path, white space at its ends left out.
Link parse_link(std::string_view text);

// The workspace-relative path that `link`, standing in the file `from`, means: "." and ".."
// resolved. Nothing if it leaves the root (".." too many, "//host/…", "https://…") or names the
// root itself. An ambiguous target is read from the root under PlainCanonical, else relative to
// `from`.
std::optional<std::string> canonical_target(const Link& link, std::string_view from,
                                            LinkFormat hint);
// The path that an attachment's link means, of those that `is_there` says are: read as `format`
// says, else from the root. Nothing if neither is there.
std::optional<std::string> attachment_target(
    std::string_view text, std::string_view from, LinkFormat format,
    const std::function<bool(const std::string&)>& is_there);
// `text` with its %XX decoded; nothing if it has none, a broken one, or the result is not UTF-8.
std::optional<std::string> decode_percent(std::string_view text);
// `from` and `to` are canonical paths. `title` is not used by the plain formats.
std::string format_link(LinkFormat format, std::string_view from, std::string_view to,
                        std::string_view title);

// "utility_index.md" → "Utility Index".
std::string path_to_title(std::string_view path);
// "Hello World!" → "hello-world.md"; nothing usable → "untitled.md". `title` must be UTF-8. At most
// 190 octets.
std::string title_to_file_name(std::string_view title);

}  // namespace diaryx::workspace
