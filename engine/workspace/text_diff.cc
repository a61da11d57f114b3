#include "engine/workspace/text_diff.h"

#include <algorithm>
#include <span>
#include <unordered_map>

#include "engine/base/check.h"
#include "engine/base/keyed_hash.h"
#include "engine/base/utf.h"
#include "engine/workspace/sequence_diff.h"

namespace diaryx::workspace {
namespace {

// Letters that agree by chance: at most so many are given up between two larger changes.
constexpr std::size_t kMaxChance = 3;

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t lf = text.find('\n', at);
    const std::size_t end = lf == std::string_view::npos ? text.size() : lf + 1;
    lines.push_back(text.substr(at, end - at));
    at = end;
  }
  return lines;
}

class Numbering {
 public:
  std::vector<std::uint32_t> number(const std::vector<std::string_view>& lines) {
    std::vector<std::uint32_t> out;
    out.reserve(lines.size());
    for (const std::string_view line : lines) {
      out.push_back(
          numbers_.emplace(line, static_cast<std::uint32_t>(numbers_.size())).first->second);
    }
    return out;
  }

 private:
  std::unordered_map<std::string_view, std::uint32_t, KeyedHash> numbers_;
};

// Characters, and the octet where each starts (one more: the end).
struct Characters {
  explicit Characters(std::string_view text) {
    values.reserve(text.size());
    offsets.reserve(text.size() + 1);
    for (std::size_t at = 0; at < text.size();) {
      const CodePoint c = code_point_at(text, at);
      values.push_back(static_cast<std::uint32_t>(c.value));
      offsets.push_back(at);
      at += c.bytes;
    }
    offsets.push_back(text.size());
  }
  std::vector<std::uint32_t> values;
  std::vector<std::size_t> offsets;
};

std::size_t size_of(const Hunk& hunk) {
  return std::max(hunk.a_end - hunk.a_begin, hunk.b_end - hunk.b_begin);
}

// Joins neighbours between which only a few letters agree by chance. Line breaks always stay.
std::vector<Hunk> without_chance(const std::vector<Hunk>& hunks,
                                 const std::vector<std::uint32_t>& a) {
  std::vector<Hunk> out;
  for (Hunk hunk : hunks) {
    while (!out.empty()) {
      const Hunk& last = out.back();
      const std::size_t between = hunk.a_begin - last.a_end;
      const auto first = a.begin() + static_cast<std::ptrdiff_t>(last.a_end);
      if (between > kMaxChance || 2 * between >= size_of(last) + size_of(hunk) ||
          std::find(first, first + static_cast<std::ptrdiff_t>(between), std::uint32_t{'\n'}) !=
              first + static_cast<std::ptrdiff_t>(between)) {
        break;
      }
      hunk.a_begin = last.a_begin;
      hunk.b_begin = last.b_begin;
      out.pop_back();
    }
    out.push_back(hunk);
  }
  return out;
}

// Where lines have hardly a letter in common, the new ones replace the old ones whole: letters that
// they share by chance would only tie them to what somebody else changes in the old ones. Looks at
// each run of lines between two breaks that stay.
std::vector<Hunk> with_whole_lines(const std::vector<Hunk>& hunks,
                                   const std::vector<std::uint32_t>& a) {
  std::vector<Hunk> out;
  const auto add = [&out](const Hunk& hunk) {
    if (!out.empty() && out.back().a_end == hunk.a_begin && out.back().b_end == hunk.b_begin) {
      out.back().a_end = hunk.a_end;
      out.back().b_end = hunk.b_end;
    } else {
      out.push_back(hunk);
    }
  };
  for (std::size_t first = 0; first < hunks.size();) {
    std::size_t before = hunks[first].a_begin;
    const std::size_t equal_from = first == 0 ? 0 : hunks[first - 1].a_end;
    while (before > equal_from && a[before - 1] != '\n') --before;
    std::size_t last = first;
    std::size_t after = 0;
    for (;; ++last) {
      const std::size_t equal_to = last + 1 == hunks.size() ? a.size() : hunks[last + 1].a_begin;
      after = hunks[last].a_end;
      while (after < equal_to && a[after] != '\n') ++after;
      if (after < equal_to) ++after;
      if (last + 1 == hunks.size() || (after > hunks[last].a_end && a[after - 1] == '\n')) break;
    }
    std::size_t erased = 0;
    for (std::size_t i = first; i <= last; ++i) erased += hunks[i].a_end - hunks[i].a_begin;
    const Hunk lines{before, after, hunks[first].b_begin - (hunks[first].a_begin - before),
                     hunks[last].b_end + (after - hunks[last].a_end)};
    const std::size_t shorter = std::min(lines.a_end - lines.a_begin, lines.b_end - lines.b_begin);
    const std::size_t kept = lines.a_end - lines.a_begin - erased;
    const std::size_t break_kept = after > hunks[last].a_end && a[after - 1] == '\n' ? 1 : 0;
    const bool starts_line = before == 0 || a[before - 1] == '\n';
    if (starts_line && 5 * (kept - break_kept) < 2 * (shorter - break_kept)) {
      add(lines);
    } else {
      for (std::size_t i = first; i <= last; ++i) add(hunks[i]);
    }
    first = last + 1;
  }
  return out;
}

// A pure insertion or deletion can be moved over equal elements without changing what it does.
// `rank(at)` says how good a place is for its first element, an index into the longer of the two
// sequences; ties go to the latest place.
template <class Rank>
void slide(std::vector<Hunk>& hunks, const std::vector<std::uint32_t>& a,
           const std::vector<std::uint32_t>& b, const Rank& rank) {
  for (std::size_t i = 0; i < hunks.size(); ++i) {
    Hunk& hunk = hunks[i];
    const bool insertion = hunk.a_begin == hunk.a_end;
    if (!insertion && hunk.b_begin != hunk.b_end) continue;
    const std::vector<std::uint32_t>& text = insertion ? b : a;
    const std::size_t begin = insertion ? hunk.b_begin : hunk.a_begin;
    const std::size_t end = insertion ? hunk.b_end : hunk.a_end;
    // One common element stays between neighbours.
    const std::size_t room_before = i == 0 ? hunk.a_begin : hunk.a_begin - hunks[i - 1].a_end - 1;
    const std::size_t room_after =
        i + 1 == hunks.size() ? a.size() - hunk.a_end : hunks[i + 1].a_begin - hunk.a_end - 1;
    std::size_t back = 0;
    while (back < room_before && text[begin - back - 1] == text[end - back - 1]) ++back;
    std::size_t ahead = 0;
    while (ahead < room_after && text[begin + ahead] == text[end + ahead]) ++ahead;
    std::size_t best = begin + ahead;
    for (std::size_t at = begin + ahead; at + back > begin; --at) {
      if (rank(text, at - 1) > rank(text, best)) best = at - 1;
    }
    const auto shift = static_cast<std::ptrdiff_t>(best) - static_cast<std::ptrdiff_t>(begin);
    for (std::size_t* edge : {&hunk.a_begin, &hunk.a_end, &hunk.b_begin, &hunk.b_end}) {
      *edge = static_cast<std::size_t>(static_cast<std::ptrdiff_t>(*edge) + shift);
    }
  }
}

bool is_space(std::uint32_t c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

struct Texts {
  std::string_view before, after;
};

// The edits that turn before into after, which start at octet `offset` of the whole text.
std::vector<TextEdit> diff_characters(const Texts& texts, std::size_t offset, DiffBudget& budget) {
  const Characters a(texts.before);
  const Characters b(texts.after);
  std::vector<Hunk> hunks = without_chance(diff_sequence(a.values, b.values, budget), a.values);
  hunks = with_whole_lines(hunks, a.values);
  slide(hunks, a.values, b.values, [](const std::vector<std::uint32_t>& text, std::size_t at) {
    if (at == 0 || text[at - 1] == '\n') return 2;
    return is_space(text[at - 1]) && !is_space(text[at]) ? 1 : 0;
  });
  std::vector<TextEdit> edits;
  for (const Hunk& hunk : hunks) {
    const std::size_t from = a.offsets[hunk.a_begin];
    const std::size_t b_from = b.offsets[hunk.b_begin];
    edits.push_back({offset + from, a.offsets[hunk.a_end] - from,
                     std::string(texts.after.substr(b_from, b.offsets[hunk.b_end] - b_from))});
  }
  return edits;
}

// Pairs of neighbouring octets of a line, its start included, ascending: how alike two lines are is
// how many they share.
std::vector<std::uint16_t> pairs_of(std::string_view line) {
  std::vector<std::uint16_t> pairs;
  unsigned char last = 0;
  for (const char ch : line) {
    const auto c = static_cast<unsigned char>(ch);
    pairs.push_back(static_cast<std::uint16_t>(last << 8U | c));
    last = c;
  }
  std::sort(pairs.begin(), pairs.end());
  return pairs;
}

// 0 (nothing in common) .. 1000 (alike).
std::size_t likeness(const std::vector<std::uint16_t>& a, const std::vector<std::uint16_t>& b) {
  std::size_t shared = 0;
  for (std::size_t i = 0, j = 0; i < a.size() && j < b.size();) {
    if (a[i] == b[j]) ++shared;
    const bool a_first = a[i] <= b[j];
    const bool b_first = b[j] <= a[i];
    if (a_first) ++i;
    if (b_first) ++j;
  }
  return 2000 * shared / (a.size() + b.size());
}

constexpr std::size_t kLikeEnough = 300;
constexpr std::size_t kMaxPairings = 400;

using Lines = std::span<const std::string_view>;

// Which old line became which new one: pairs of indexes, ascending in both, that are most alike in
// all.
std::vector<std::pair<std::size_t, std::size_t>> pair_lines(Lines a, Lines b) {
  std::vector<std::vector<std::uint16_t>> a_pairs;
  std::vector<std::vector<std::uint16_t>> b_pairs;
  for (const std::string_view line : a) a_pairs.push_back(pairs_of(line));
  for (const std::string_view line : b) b_pairs.push_back(pairs_of(line));
  const std::size_t width = b.size() + 1;
  std::vector<std::size_t> best((a.size() + 1) * width, 0);  // Of a[i..] and b[j..].
  std::vector<bool> paired((a.size() + 1) * width, false);
  for (std::size_t i = a.size(); i-- > 0;) {
    for (std::size_t j = b.size(); j-- > 0;) {
      std::size_t value = std::max(best[(i + 1) * width + j], best[i * width + j + 1]);
      const std::size_t like = likeness(a_pairs[i], b_pairs[j]);
      const std::size_t together = like < kLikeEnough ? 0 : like + best[(i + 1) * width + j + 1];
      paired[i * width + j] = together > value;
      best[i * width + j] = std::max(value, together);
    }
  }
  std::vector<std::pair<std::size_t, std::size_t>> pairs;
  for (std::size_t i = 0, j = 0; i < a.size() && j < b.size();) {
    if (paired[i * width + j]) {
      pairs.emplace_back(i++, j++);
    } else if (best[(i + 1) * width + j] >= best[i * width + j + 1]) {
      ++i;
    } else {
      ++j;
    }
  }
  return pairs;
}

// Lines follow each other in the text, so a run of them is one piece of it.
std::string_view text_of(Lines lines) {
  if (lines.empty()) return {};
  return {lines.front().data(), static_cast<std::size_t>(lines.back().data() + lines.back().size() -
                                                         lines.front().data())};
}

// Line by line: what has a partner is compared with it, the rest goes and comes whole.
std::vector<TextEdit> diff_paired(Lines a, Lines b, std::size_t offset, DiffBudget& budget) {
  std::vector<TextEdit> edits;
  std::size_t i = 0;
  std::size_t j = 0;
  std::size_t at = offset;
  const auto replace_to = [&](std::size_t a_end, std::size_t b_end) {
    const std::string_view old_text = text_of(a.subspan(i, a_end - i));
    const std::string_view new_text = text_of(b.subspan(j, b_end - j));
    const bool touches = !edits.empty() && edits.back().at + edits.back().erase == at;
    if (touches && a_end == a.size() && a.back().back() != '\n') {
      // The file's last line has no break: what comes after it brings one, and that is one
      // insertion.
      edits.back().erase += old_text.size();
      edits.back().insert += new_text;
    } else if (!old_text.empty() || !new_text.empty()) {
      edits.push_back({at, old_text.size(), std::string(new_text)});
    }
    at += old_text.size();
  };
  for (const auto& [a_index, b_index] : pair_lines(a, b)) {
    replace_to(a_index, b_index);
    for (TextEdit& edit : diff_characters({a[a_index], b[b_index]}, at, budget))
      edits.push_back(std::move(edit));
    at += a[a_index].size();
    i = a_index + 1;
    j = b_index + 1;
  }
  replace_to(a.size(), b.size());
  return edits;
}

std::size_t cost(const std::vector<TextEdit>& edits) {
  std::size_t sum = 0;
  for (const TextEdit& edit : edits) sum += edit.erase + edit.insert.size();
  return sum;
}

// Some lines became others. Edits that keep to lines merge best with what others do to these lines;
// but where words moved from line to line (a paragraph wrapped anew), the characters tell it much
// shorter.
std::vector<TextEdit> diff_lines(Lines a, Lines b, std::size_t offset, DiffBudget& budget) {
  std::vector<TextEdit> edits = diff_characters({text_of(a), text_of(b)}, offset, budget);
  if (a.size() * b.size() == 1 || a.size() * b.size() > kMaxPairings) return edits;
  std::vector<TextEdit> by_line = diff_paired(a, b, offset, budget);
  return 2 * cost(by_line) <= 3 * cost(edits) + 8 ? by_line : edits;
}

// Octets at both ends that agree, in whole lines.
struct CommonEnds {
  std::size_t prefix, suffix;
};
CommonEnds common_lines(std::string_view a, std::string_view b) {
  const std::size_t shorter = std::min(a.size(), b.size());
  std::size_t prefix = 0;
  std::size_t line_start = 0;
  while (prefix < shorter && a[prefix] == b[prefix]) {
    if (a[prefix++] == '\n') line_start = prefix;
  }
  if (prefix == a.size() && prefix == b.size()) line_start = prefix;
  std::size_t suffix = 0;
  std::size_t whole = 0;
  while (suffix < shorter - line_start && a[a.size() - 1 - suffix] == b[b.size() - 1 - suffix]) {
    ++suffix;
    const bool a_starts = suffix == a.size() || a[a.size() - 1 - suffix] == '\n';
    const bool b_starts = suffix == b.size() || b[b.size() - 1 - suffix] == '\n';
    if (a_starts && b_starts) whole = suffix;
  }
  return {line_start, whole};
}

}  // namespace

std::vector<TextEdit> diff_text(std::string_view before, std::string_view after) {
  std::vector<TextEdit> edits;
  const CommonEnds ends = common_lines(before, after);
  const std::string_view a_text =
      before.substr(ends.prefix, before.size() - ends.prefix - ends.suffix);
  const std::string_view b_text =
      after.substr(ends.prefix, after.size() - ends.prefix - ends.suffix);
  const std::vector<std::string_view> a_lines = lines_of(a_text);
  const std::vector<std::string_view> b_lines = lines_of(b_text);
  Numbering numbering;
  const std::vector<std::uint32_t> a = numbering.number(a_lines);
  const std::vector<std::uint32_t> b = numbering.number(b_lines);
  DiffBudget budget;
  std::vector<Hunk> hunks = diff_sequence(a, b, budget);
  slide(hunks, a, b, [](const std::vector<std::uint32_t>&, std::size_t) { return 0; });
  std::size_t offset = ends.prefix;
  std::size_t line = 0;
  for (const Hunk& hunk : hunks) {
    for (; line < hunk.a_begin; ++line) offset += a_lines[line].size();
    const Lines old_lines = Lines(a_lines).subspan(hunk.a_begin, hunk.a_end - hunk.a_begin);
    const Lines new_lines = Lines(b_lines).subspan(hunk.b_begin, hunk.b_end - hunk.b_begin);
    if (old_lines.empty() || new_lines.empty()) {
      edits.push_back({offset, text_of(old_lines).size(), std::string(text_of(new_lines))});
    } else {
      for (TextEdit& edit : diff_lines(old_lines, new_lines, offset, budget))
        edits.push_back(std::move(edit));
    }
  }
  return edits;
}

bool are_alike(std::string_view before, std::string_view after) {
  std::size_t kept = before.size();
  for (const TextEdit& edit : diff_text(before, after)) kept -= edit.erase;
  return kept * 2 >= std::min(before.size(), after.size());
}

std::size_t change_between(std::string_view before, std::string_view after) {
  std::size_t size = 0;
  for (const TextEdit& edit : diff_text(before, after)) size += edit.erase + edit.insert.size();
  return size;
}

std::string apply_edits(std::string_view before, const std::vector<TextEdit>& edits) {
  std::string out;
  std::size_t at = 0;
  for (const TextEdit& edit : edits) {
    DX_CHECK(edit.at >= at);
    DX_CHECK(edit.at + edit.erase <= before.size());
    out.append(before.substr(at, edit.at - at)).append(edit.insert);
    at = edit.at + edit.erase;
  }
  return out.append(before.substr(at));
}

}  // namespace diaryx::workspace
