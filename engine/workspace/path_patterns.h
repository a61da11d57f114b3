// Patterns of paths, written as in a .gitignore: `drafts/`, `*.tmp.md`, `/private/**`, `!keep.md`.
//
//   no "/" but at its end   matches that name in every folder
//   any other "/"           matches from the root
//   "/" at its end          matches folders only
//   * ? [a-z] [!a-z] \x     within one name; "**" as a whole name: any number of folders
//   ! before it             takes back what an earlier pattern matched, but not below a folder that
//                           is matched
//
// What a folder is matched by, all below it is matched by.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace diaryx::workspace {

class PathPatterns {
 public:
  // So many count, and so long (octets); what is beyond, is left out, as it could be a peer's.
  static constexpr std::size_t kMostPatterns = 500;
  static constexpr std::size_t kLongestPattern = 500;

  PathPatterns() = default;
  // Blank ones and comments ("#…") mean nothing.
  explicit PathPatterns(std::span<const std::string> lines);

  bool empty() const noexcept { return patterns_.empty(); }
  // `file`: a file's canonical path. Time: its length times that of all patterns, at most, for each
  // folder on its way.
  bool match(std::string_view file) const;

 private:
  struct Pattern {
    std::vector<std::string> names;
    bool negated = false;
    bool folders_only = false;
  };
  static bool matches(const Pattern& pattern, std::span<const std::string_view> names);

  std::vector<Pattern> patterns_;
};

}  // namespace diaryx::workspace
