#include "engine/workspace/header.h"

#include <algorithm>

#include "engine/workspace/header_layout.h"
#include "engine/workspace/markdown_file.h"
#include "engine/workspace/sequence_diff.h"
#include "engine/workspace/yaml_writer.h"

namespace diaryx::workspace {
namespace {

using codec::Any;
using codec::AnyArray;
using codec::AnyObject;

// libyaml reads a simple key only up to this length.
constexpr std::size_t kMaxKeyBytes = 1000;

Quote quote_of(YamlStyle style) {
  return style == YamlStyle::Single   ? Quote::Single
         : style == YamlStyle::Double ? Quote::Double
                                      : Quote::Plain;
}

bool on_one_line(const YamlSpan& span) {
  return span.first_line == span.last_line && span.style != YamlStyle::Block &&
         span.style != YamlStyle::BlockList && span.style != YamlStyle::BlockMap;
}

bool is_collection(const Any& value) {
  return value.get<AnyArray>() != nullptr || value.get<AnyObject>() != nullptr;
}

bool is_many_lines(const Any& value) {
  const auto* text = value.get<std::string>();
  return text != nullptr && text->find('\n') != std::string::npos;
}

// An entry of a header, to be changed. Each try_ gives the new inner text, or nothing where that
// way of writing does not fit.
class EntryEdit {
 public:
  EntryEdit(std::string_view inner, const HeaderLayout& layout, std::string_view eol)
      : inner_(inner), layout_(layout), eol_(eol) {
    for (const YamlEntry& entry : layout.entries) {
      if (entry.value.style != YamlStyle::BlockList || entry.dash_column < layout.indent) continue;
      habit_.list_indent = entry.dash_column - layout.indent;
      break;
    }
  }

  // `key: value` keeps everything but the value: blanks, the comment behind it, its anchor.
  std::optional<std::string> try_in_place(const YamlEntry& entry, const Any& value) const {
    const YamlSpan& old = entry.value;
    if (!on_one_line(old) || old.first_line != entry.first_line || is_many_lines(value))
      return std::nullopt;
    if (is_collection(value) && old.style != YamlStyle::Flow) return std::nullopt;
    return replace_slice(old, value, entry.key_end);
  }

  // A list in block style: the lines of items that stay stay.
  std::optional<std::string> try_items(const YamlEntry& entry, const Any& value) const {
    const auto* array = value.get<AnyArray>();
    if (!entry.plain_items || array == nullptr || array->empty()) return std::nullopt;
    const std::vector<std::uint32_t> before = number(entry.items, {});
    const std::vector<std::uint32_t> after = number(entry.items, *array);
    DiffBudget budget;
    std::string out;
    std::size_t at = 0;
    for (const Hunk& hunk : diff_sequence(before, after, budget)) {
      const std::size_t paired = std::min(hunk.a_end - hunk.a_begin, hunk.b_end - hunk.b_begin);
      for (std::size_t i = 0; i < paired; ++i) {
        const YamlSpan& old = entry.items[hunk.a_begin + i];
        copy(out, at, layout_.lines[old.first_line]);
        if (!put_item(out, at, old, (*array)[hunk.b_begin + i], entry)) return std::nullopt;
      }
      for (std::size_t i = hunk.a_begin + paired; i < hunk.a_end; ++i) {
        copy(out, at, layout_.lines[entry.items[i].first_line]);
        at = layout_.lines[entry.items[i].last_line + 1];
      }
      if (hunk.b_begin + paired == hunk.b_end) continue;
      const std::size_t last = hunk.a_begin + paired;  // New items go behind the one before this.
      copy(out, at,
           std::max(at, last == 0 ? layout_.lines[entry.items[0].first_line]
                                  : layout_.lines[entry.items[last - 1].last_line + 1]));
      const YamlSpan& neighbour = entry.items[last == 0 ? 0 : last - 1];
      for (std::size_t j = hunk.b_begin + paired; j < hunk.b_end; ++j) {
        if (!put_new_item(out, neighbour, (*array)[j], entry)) return std::nullopt;
      }
    }
    copy(out, at, inner_.size());
    return out;
  }

  // All lines of the entry anew, in block style.
  std::optional<std::string> try_lines(const YamlEntry& entry, const Any& value) const {
    YamlHabit habit = habit_;
    habit.quote =
        entry.items.empty() ? quote_of(entry.value.style) : quote_of(entry.items.front().style);
    const auto lines = write_entry(key_text(entry), value, layout_.indent, habit);
    if (!lines) return std::nullopt;
    return replace_lines(entry, *lines, false);
  }

  // The same in one line without any ambition, which nothing behind it can be taken for a part of.
  std::optional<std::string> try_one_line(const YamlEntry& entry, const Any& value,
                                          bool wide) const {
    const auto line = one_line(key_text(entry), value);
    if (!line) return std::nullopt;
    return replace_lines(entry, *line, wide);
  }

  std::string remove(const YamlEntry& entry, bool wide) const {
    return replace_lines(entry, "", wide);
  }

  std::optional<std::string> append(const std::string& key, const Any& value, bool plainly) const {
    const std::string shown = write_string(key, Quote::Plain, YamlPlace::Key);
    auto lines =
        plainly ? one_line(shown, value) : write_entry(shown, value, layout_.indent, habit_);
    if (!lines) return std::nullopt;
    std::string out(inner_);
    const std::size_t at = layout_.lines[layout_.end_line];
    if (at > 0 && out[at - 1] != '\n') lines->insert(0, eol_);
    return out.insert(at, with_eol(*lines));
  }

 private:
  // As it stands in the file.
  std::string key_text(const YamlEntry& entry) const {
    const std::size_t begin = layout_.lines[entry.first_line] + layout_.indent;
    return std::string(inner_.substr(begin, entry.key_end - 1 - begin));
  }

  std::optional<std::string> one_line(const std::string& key, const Any& value) const {
    const auto text = write_inline(value, Quote::Double, YamlPlace::Block);
    if (!text) return std::nullopt;
    return std::string(layout_.indent, ' ') + key + ": " + *text + "\n";
  }

  void copy(std::string& out, std::size_t& at, std::size_t to) const {
    out.append(inner_.substr(at, to - at));
    at = to;
  }

  std::string with_eol(const std::string& lines) const {
    if (eol_ == "\n") return lines;
    std::string out;
    for (const char c : lines) {
      if (c == '\n') out += '\r';
      out += c;
    }
    return out;
  }

  // Numbers for values: equal ones alike. With `values` empty, those of the items themselves.
  static std::vector<std::uint32_t> number(const std::vector<YamlSpan>& items,
                                           const AnyArray& values) {
    std::vector<std::uint32_t> out;
    const auto number_of = [&](const Any& value) {
      for (std::size_t i = 0; i < items.size(); ++i) {
        if (same_in_yaml(items[i].value, value)) return static_cast<std::uint32_t>(i);
      }
      return static_cast<std::uint32_t>(items.size() + out.size());
    };
    if (values.empty()) {
      for (const YamlSpan& item : items) out.push_back(number_of(item.value));
    } else {
      for (const Any& value : values) out.push_back(number_of(value));
    }
    return out;
  }

  std::optional<std::string> new_text(const YamlSpan& old, const Any& value) const {
    auto text = write_inline(value, quote_of(old.style), YamlPlace::Block);
    if (text && !old.anchor.empty()) text->insert(0, "&" + old.anchor + " ");
    return text;
  }

  std::optional<std::string> replace_slice(const YamlSpan& old, const Any& value,
                                           std::size_t key_end) const {
    auto text = new_text(old, value);
    if (!text) return std::nullopt;
    // An absent value stands right behind the colon.
    if (old.begin == key_end) text->insert(0, " ");
    std::string out(inner_);
    return out.replace(old.begin, old.end - old.begin, *text);
  }

  bool put_item(std::string& out, std::size_t& at, const YamlSpan& old, const Any& value,
                const YamlEntry& entry) const {
    if (on_one_line(old) && !is_many_lines(value) &&
        (!is_collection(value) || old.style == YamlStyle::Flow)) {
      auto text = new_text(old, value);
      if (!text) return false;
      copy(out, at, old.begin);
      if (out.back() == '-') out += ' ';
      out += *text;
      at = old.end;
      copy(out, at, layout_.lines[old.last_line + 1]);
      return true;
    }
    if (!put_new_item(out, old, value, entry)) return false;
    at = layout_.lines[old.last_line + 1];
    return true;
  }

  bool put_new_item(std::string& out, const YamlSpan& neighbour, const Any& value,
                    const YamlEntry& entry) const {
    YamlHabit habit = habit_;
    habit.quote = quote_of(neighbour.style);
    habit.list_indent = std::min(habit.list_indent, entry.dash_column);
    // The lines of a list of one, without the key's.
    const auto lines =
        write_entry("x", Any(AnyArray{value}), entry.dash_column - habit.list_indent, habit);
    if (!lines) return false;
    if (!out.empty() && out.back() != '\n') out += eol_;
    out += with_eol(lines->substr(lines->find('\n') + 1));
    return true;
  }

  // `wide` takes in the blank and comment lines behind the entry: where those would become part of
  // what stands before it.
  std::string replace_lines(const YamlEntry& entry, const std::string& lines, bool wide) const {
    std::size_t end = entry.value.last_line + 1;
    while (wide && end < layout_.end_line && is_blank_or_comment(end)) ++end;
    // A "..." without anything to end is an error.
    if (wide && lines.empty() && layout_.entries.size() == 1) end = layout_.lines.size() - 1;
    std::string out(inner_);
    const std::size_t begin = layout_.lines[entry.first_line];
    std::string text = with_eol(lines);
    return out.replace(begin, layout_.lines[end] - begin, text);
  }

  bool is_blank_or_comment(std::size_t line) const {
    const std::string_view text =
        inner_.substr(layout_.lines[line], layout_.lines[line + 1] - layout_.lines[line]);
    const std::size_t first = text.find_first_not_of(" \t\r\n");
    return first == std::string_view::npos || text[first] == '#';
  }

  std::string_view inner_;
  const HeaderLayout& layout_;
  std::string_view eol_;
  YamlHabit habit_;
};

const YamlEntry* find_entry(const HeaderLayout& layout, std::string_view key) {
  for (const YamlEntry& entry : layout.entries) {
    if (entry.key == key) return &entry;
  }
  return nullptr;
}

// The promise that is kept for every edit, whatever the header looks like: the named entry says
// what it should, all others say what they said, in the same order, and the header is still one.
bool is_sound(const FencedHeader& fenced, const std::string& inner, const HeaderLayout& before,
              const HeaderChange& change) {
  std::string whole;
  whole.append(fenced.open).append(inner).append(fenced.close);
  // The line break behind it is a lone LF, so that a header in CRLF is left as it is.
  const bool ends = whole.back() == '\n';
  const auto split = split_markdown(whole + "\n");
  if (!split || split->header != (ends ? whole : whole + "\n")) return false;
  const auto after = lay_out_header(inner);
  if (!after) return false;
  if (!std::includes(before.dangling.begin(), before.dangling.end(), after->dangling.begin(),
                     after->dangling.end()))
    return false;
  std::size_t i = 0;
  for (const YamlEntry& entry : before.entries) {
    const bool changed = entry.key == change.key;
    if (changed && !change.value) continue;
    if (i == after->entries.size() || after->entries[i].key != entry.key) return false;
    const Any& expected = changed ? *change.value : entry.value.value;
    if (!same_in_yaml(after->entries[i].value.value, expected)) return false;
    ++i;
  }
  if (i == after->entries.size()) return !change.value || find_entry(before, change.key) != nullptr;
  const YamlEntry& added = after->entries[i];
  return i + 1 == after->entries.size() && change.value && added.key == change.key &&
         same_in_yaml(added.value.value, *change.value);
}

Result<std::string> change_one(const std::string& header, const HeaderChange& change) {
  DX_TRY(const FencedHeader fenced, take_apart_header(header));
  DX_TRY(const HeaderLayout layout, lay_out_header(fenced.inner));
  const YamlEntry* entry = find_entry(layout, change.key);
  if (entry == nullptr && !change.value) return header;
  if (entry != nullptr && change.value && same_in_yaml(entry->value.value, *change.value))
    return header;
  const std::string_view eol =
      fenced.open.size() > 1 && fenced.open[fenced.open.size() - 2] == '\r' ? "\r\n" : "\n";
  const EntryEdit edit(fenced.inner, layout, eol);
  // From the gentlest way to the plainest one.
  std::vector<std::optional<std::string>> ways;
  if (!change.value) {
    ways = {edit.remove(*entry, false), edit.remove(*entry, true)};
  } else if (change.key.size() > kMaxKeyBytes) {
    return Error{ErrorCode::LimitExceeded, "header: a key of " + std::to_string(change.key.size()) +
                                               " octets, at most " + std::to_string(kMaxKeyBytes)};
  } else if (entry != nullptr) {
    ways = {edit.try_in_place(*entry, *change.value), edit.try_items(*entry, *change.value),
            edit.try_lines(*entry, *change.value), edit.try_one_line(*entry, *change.value, false),
            edit.try_one_line(*entry, *change.value, true)};
  } else {
    ways = {edit.append(change.key, *change.value, false),
            edit.append(change.key, *change.value, true)};
  }
  for (const auto& inner : ways) {
    if (!inner || !is_sound(fenced, *inner, layout, change)) continue;
    std::string out;
    out.append(fenced.open).append(*inner).append(fenced.close);
    return out;
  }
  return Error{ErrorCode::Unsupported,
               "header: \"" + change.key + "\" cannot be changed without touching other entries"};
}

}  // namespace

Result<AnyObject> read_header(std::string_view header) {
  DX_TRY(const FencedHeader fenced, take_apart_header(header));
  DX_TRY(HeaderLayout layout, lay_out_header(fenced.inner));
  AnyObject entries;
  entries.reserve(layout.entries.size());
  for (YamlEntry& entry : layout.entries)
    entries.emplace_back(std::move(entry.key), std::move(entry.value.value));
  return entries;
}

Result<std::optional<std::string>> edit_header(const std::optional<std::string>& header,
                                               const std::vector<HeaderChange>& changes) {
  std::optional<std::string> out = header;
  for (const HeaderChange& change : changes) {
    if (!out && !change.value) continue;
    DX_TRY(out, change_one(out.value_or("---\n---\n"), change));
  }
  return out;
}

}  // namespace diaryx::workspace
