#include "engine/workspace/path_patterns.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "engine/base/utf.h"

namespace diaryx::workspace {
namespace {

constexpr std::string_view kAnyFolders = "**";

template <class Text>
std::vector<Text> split(std::string_view path) {
  std::vector<Text> names;
  while (!path.empty()) {
    const std::size_t slash = std::min(path.find('/'), path.size());
    if (slash > 0) names.emplace_back(path.substr(0, slash));
    path.remove_prefix(std::min(slash + 1, path.size()));
  }
  return names;
}

// "[…]" at `at`: where it ends, and whether `c` is one of it. Nothing if it never ends: then the
// pattern matches nothing, as for git.
struct Set {
  std::size_t end;
  bool contains;
};
std::optional<Set> look_in_set(std::string_view pattern, std::size_t at, char32_t c) {
  std::size_t i = at + 1;
  const bool negated = i < pattern.size() && (pattern[i] == '!' || pattern[i] == '^');
  if (negated) ++i;
  bool found = false;
  for (bool first = true; i < pattern.size(); first = false) {
    if (pattern[i] == ']' && !first) return Set{i + 1, found != negated};
    if (pattern[i] == '\\' && i + 1 < pattern.size()) ++i;
    const CodePoint low = code_point_at(pattern, i);
    i += low.bytes;
    char32_t high = low.value;
    if (i + 1 < pattern.size() && pattern[i] == '-' && pattern[i + 1] != ']') {
      ++i;
      if (pattern[i] == '\\' && i + 1 < pattern.size()) ++i;
      const CodePoint last = code_point_at(pattern, i);
      i += last.bytes;
      high = last.value;
    }
    found = found || (low.value <= c && c <= high);
  }
  return std::nullopt;
}

// One name, with *, ?, [] and \. A "*" that has matched more than it needed gives back one
// character at a time; only the last one ever has to.
bool matches_name(std::string_view pattern, std::string_view name) {
  std::size_t p = 0;
  std::size_t n = 0;
  std::size_t after_star = std::string_view::npos;
  std::size_t star_took = 0;
  for (;;) {
    if (p < pattern.size() && pattern[p] == '*') {
      after_star = ++p;
      star_took = n;
      continue;
    }
    if (n == name.size() && p == pattern.size()) return true;
    if (n < name.size() && p < pattern.size()) {
      const CodePoint c = code_point_at(name, n);
      std::size_t next = p;
      bool same = false;
      const auto set = pattern[p] == '[' ? look_in_set(pattern, p, c.value) : std::nullopt;
      if (pattern[p] == '?') {
        same = true;
        next = p + 1;
      } else if (pattern[p] == '[') {
        if (!set) return false;
        same = set->contains;
        next = set->end;
      } else {
        if (pattern[p] == '\\' && p + 1 < pattern.size()) ++next;
        const CodePoint wanted = code_point_at(pattern, next);
        same = wanted.value == c.value;
        next += wanted.bytes;
      }
      if (same) {
        p = next;
        n += c.bytes;
        continue;
      }
    }
    if (after_star == std::string_view::npos || star_took >= name.size()) return false;
    star_took += code_point_at(name, star_took).bytes;
    p = after_star;
    n = star_took;
  }
}

}  // namespace

PathPatterns::PathPatterns(std::span<const std::string> lines) {
  for (const std::string& line : lines) {
    std::string_view text = line;
    while (text.ends_with(' ') && !text.ends_with("\\ ")) text.remove_suffix(1);
    if (text.empty() || text.starts_with('#') || text.size() > kLongestPattern) continue;
    if (patterns_.size() == kMostPatterns) break;
    Pattern pattern;
    pattern.negated = text.starts_with('!');
    if (pattern.negated) text.remove_prefix(1);
    pattern.folders_only = text.ends_with('/');
    if (pattern.folders_only) text.remove_suffix(1);
    const bool anchored = text.find('/') != std::string_view::npos;
    pattern.names = split<std::string>(text);
    if (pattern.names.empty()) continue;
    if (!anchored) pattern.names.insert(pattern.names.begin(), std::string(kAnyFolders));
    patterns_.push_back(std::move(pattern));
  }
}

// All of `names`, by what the pattern's names match one after the other: reached[i], the names up
// to i are matched by the pattern's up to here.
bool PathPatterns::matches(const Pattern& pattern, std::span<const std::string_view> names) {
  std::vector<bool> reached(names.size() + 1, false);
  reached[0] = true;
  for (std::size_t p = 0; p < pattern.names.size(); ++p) {
    const std::string& wanted = pattern.names[p];
    std::vector<bool> next(names.size() + 1, false);
    if (wanted == kAnyFolders) {
      // At the end it means what is in the folder, not the folder.
      const bool last = p + 1 == pattern.names.size();
      bool any = false;
      for (std::size_t i = 0; i <= names.size(); ++i) {
        if (last) next[i] = any;
        any = any || reached[i];
        if (!last) next[i] = any;
      }
    } else {
      for (std::size_t i = 0; i < names.size(); ++i)
        next[i + 1] = reached[i] && matches_name(wanted, names[i]);
    }
    reached = std::move(next);
  }
  return reached[names.size()];
}

bool PathPatterns::match(std::string_view file) const {
  const std::vector<std::string_view> names = split<std::string_view>(file);
  for (std::size_t depth = 1; depth <= names.size(); ++depth) {
    const bool is_folder = depth < names.size();
    bool matched = false;
    for (const Pattern& pattern : patterns_) {
      if (pattern.negated != matched || (pattern.folders_only && !is_folder)) continue;
      if (matches(pattern, std::span(names).first(depth))) matched = !pattern.negated;
    }
    if (matched) return true;
  }
  return false;
}

}  // namespace diaryx::workspace
