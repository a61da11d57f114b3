// WorkspacePath: where a file is, relative to the workspace root. A value of this type cannot leave
// the root.
//
//   path      := component *("/" component)
//   component := 1..200 octets of UTF-8, not "." or "..", no "/", "\", NUL or control character,
//                no leading or trailing white space at the ends of the whole path
//   and: no component named ".diaryx" or ".git" in any case; the whole path is at most 1,024
//   octets.
//
// Text from outside becomes a WorkspacePath once, at the border; whatever takes a WorkspacePath
// need not check again. (Symbolic links are checked where files are opened: disk_tree.h.)
#pragma once

#include <compare>
#include <string>
#include <string_view>

#include "engine/base/result.h"

namespace diaryx {

inline constexpr std::size_t kMaxComponentBytes = 200;
inline constexpr std::size_t kMaxPathBytes = 1024;

class WorkspacePath {
 public:
  // Exact: nothing is normalised. Malformed or NotAllowed with the reason.
  static Result<WorkspacePath> parse(std::string_view text);

  const std::string& str() const noexcept { return text_; }
  std::string_view name() const noexcept;    // Last component.
  std::string_view parent() const noexcept;  // Without the last component; "" at the top.
  std::string_view stem() const noexcept;    // name() without the extension.
  bool is_markdown() const noexcept;         // Ends in ".md", in any case of letters.
  bool is_hidden() const noexcept;           // Some component starts with ".".

  // clang-tidy takes the comparison with 0 inside for a null pointer.
  // NOLINTNEXTLINE(modernize-use-nullptr)
  auto operator<=>(const WorkspacePath&) const = default;

 private:
  explicit WorkspacePath(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

}  // namespace diaryx

template <>
struct std::hash<diaryx::WorkspacePath> {
  std::size_t operator()(const diaryx::WorkspacePath& path) const noexcept {
    return std::hash<std::string>{}(path.str());
  }
};
