#include "engine/workspace/header_layout.h"

#include <algorithm>
#include <unordered_set>

#include <yaml.h>

#include "engine/base/utf.h"
#include "engine/codec/json_text.h"
#include "engine/workspace/yaml_scalar.h"

namespace diaryx::workspace {
namespace {

using codec::Any;
using codec::AnyArray;
using codec::AnyObject;

// Where each line starts, by the breaks that libyaml knows: CR LF, CR, LF, NEL, LS, PS.
std::vector<std::size_t> line_starts(std::string_view text) {
  std::vector<std::size_t> lines{0};
  for (std::size_t at = 0; at < text.size();) {
    std::size_t length = 0;
    const auto c = static_cast<unsigned char>(text[at]);
    if (c == '\n') length = 1;
    if (c == '\r') length = at + 1 < text.size() && text[at + 1] == '\n' ? 2 : 1;
    if (c == 0xC2 && at + 1 < text.size() && text[at + 1] == '\x85') length = 2;
    if (c == 0xE2 && (text.substr(at, 3) == "\xE2\x80\xA8" || text.substr(at, 3) == "\xE2\x80\xA9"))
      length = 3;
    at += length == 0 ? 1 : length;
    if (length > 0 && at < text.size()) lines.push_back(at);
  }
  lines.push_back(text.size());
  return lines;
}

std::string position(std::size_t line, std::size_t column) {
  return std::to_string(line + 2) + ":" + std::to_string(column + 1) + ": ";
}

// One event of libyaml; frees what it holds.
class Event {
 public:
  Event() = default;
  Event(Event&& other) noexcept : raw_(other.raw_) { other.raw_ = {}; }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  Event& operator=(Event&&) = delete;
  ~Event() { yaml_event_delete(&raw_); }

  yaml_event_t& raw() { return raw_; }
  yaml_event_type_t type() const { return raw_.type; }
  const yaml_mark_t& start() const { return raw_.start_mark; }
  const yaml_mark_t& end() const { return raw_.end_mark; }
  std::string_view text() const {
    return {reinterpret_cast<const char*>(raw_.data.scalar.value), raw_.data.scalar.length};
  }
  std::string_view alias() const { return view(raw_.data.alias.anchor); }
  std::string_view anchor() const {
    switch (raw_.type) {
      case YAML_SCALAR_EVENT:
        return view(raw_.data.scalar.anchor);
      case YAML_SEQUENCE_START_EVENT:
        return view(raw_.data.sequence_start.anchor);
      case YAML_MAPPING_START_EVENT:
        return view(raw_.data.mapping_start.anchor);
      default:
        return {};
    }
  }

 private:
  static std::string_view view(const yaml_char_t* text) {
    return text == nullptr ? std::string_view()
                           : std::string_view(reinterpret_cast<const char*>(text));
  }
  yaml_event_t raw_{};
};

class Layouter {
 public:
  explicit Layouter(std::string_view text) : text_(text) {
    yaml_parser_initialize(&parser_);
    yaml_parser_set_encoding(&parser_, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text.data()),
                                 text.size());
    out_.lines = line_starts(text);
  }
  ~Layouter() { yaml_parser_delete(&parser_); }
  Layouter(const Layouter&) = delete;
  Layouter& operator=(const Layouter&) = delete;

  Result<HeaderLayout> run() {
    DX_TRY_OK(document());
    out_.end_line = out_.lines.size() - 1;
    const std::size_t after = out_.entries.empty() ? 0 : out_.entries.back().value.last_line + 1;
    for (std::size_t line = after; line + 1 < out_.lines.size(); ++line) {
      const std::string_view content = line_text(line);
      if (content.substr(0, 3) == "..." &&
          (content.size() == 3 ||
           std::string_view(" \t\r\n").find(content[3]) != std::string_view::npos)) {
        out_.end_line = line;
        break;
      }
    }
    return std::move(out_);
  }

 private:
  // A value being read: what is told to YamlSpan, and whether the caller wants the items.
  struct Reading {
    YamlSpan span;
    std::vector<YamlSpan>* items = nullptr;
  };

  Status document() {
    DX_TRY(Event first, next());  // Stream start.
    DX_TRY(Event start, next());
    if (start.type() == YAML_STREAM_END_EVENT) return {};
    DX_TRY(Event root, next());
    const bool nothing = root.type() == YAML_SCALAR_EVENT && root.text().empty() &&
                         root.start().index == root.end().index;
    if (root.type() == YAML_MAPPING_START_EVENT &&
        root.raw().data.mapping_start.style != YAML_FLOW_MAPPING_STYLE) {
      note_anchor(root);
      DX_TRY_OK(entries());
    } else if (root.type() == YAML_MAPPING_START_EVENT) {
      return wrong(root, "written as {…}: one key a line is expected");
    } else if (!nothing) {
      return wrong(root, "not a list of keys and values");
    }
    DX_TRY(Event end, next());  // Document end.
    DX_TRY(Event last, next());
    if (last.type() != YAML_STREAM_END_EVENT) return wrong(last, "more than one document");
    return {};
  }

  Status entries() {
    std::unordered_set<std::string> seen;
    while (true) {
      DX_TRY(Event key, next());
      if (key.type() == YAML_MAPPING_END_EVENT) return {};
      YamlEntry entry;
      DX_TRY_OK(read_key(key, entry));
      if (!seen.insert(entry.key).second)
        return wrong(key, "the key \"" + entry.key + "\" is given twice");
      DX_TRY(Event value, next());
      Reading reading;
      reading.items = &entry.items;
      DX_TRY_OK(read_value(value, reading, 1));
      entry.value = std::move(reading.span);
      entry.value.last_line = std::max(entry.value.last_line, entry.first_line);
      if (entry.value.style == YamlStyle::BlockList) note_items(entry, value.start());
      out_.entries.push_back(std::move(entry));
    }
  }

  Status read_key(const Event& key, YamlEntry& entry) {
    if (key.type() != YAML_SCALAR_EVENT) return wrong(key, "a key that is not a text");
    const std::size_t begin = offset(key.start());
    const std::string_view before =
        text_.substr(out_.lines[key.start().line], begin - out_.lines[key.start().line]);
    if (before.find_first_not_of(' ') != std::string_view::npos ||
        key.start().line != key.end().line) {
      return wrong(key, "a key that does not start its line");
    }
    entry.key = std::string(key.text());
    entry.first_line = key.start().line;
    std::size_t at = offset(key.end());
    while (at < text_.size() && (text_[at] == ' ' || text_[at] == '\t')) ++at;
    if (at >= text_.size() || text_[at] != ':') return wrong(key, "a key without \":\"");
    entry.key_end = at + 1;
    note_anchor(key);
    if (out_.entries.empty()) out_.indent = before.size();
    return {};
  }

  void note_items(YamlEntry& entry, const yaml_mark_t& start) {
    // An anchor or a tag of the list stands before it, often on the key's line.
    entry.dash_column = start.column;
    if (!entry.items.empty()) {
      const std::size_t dash = line_text(entry.items.front().first_line).find_first_not_of(' ');
      if (dash != std::string_view::npos) entry.dash_column = dash;
    }
    entry.plain_items = !entry.items.empty();
    std::size_t after = start.line;
    for (const YamlSpan& item : entry.items) {
      const std::string_view line = line_text(item.first_line);
      const std::size_t dash = line.find_first_not_of(' ');
      entry.plain_items = entry.plain_items && dash == entry.dash_column && line[dash] == '-' &&
                          item.first_line >= after;
      after = item.last_line + 1;
    }
  }

  Status read_value(Event& event, Reading& reading, int depth) {
    YamlSpan& span = reading.span;
    span.first_line = event.start().line;
    span.last_line = std::max(event.start().line, event.end().line);
    note_anchor(event);
    switch (event.type()) {
      case YAML_SCALAR_EVENT:
        return read_scalar(event, span);
      case YAML_ALIAS_EVENT:
        if (anchors_.count(std::string(event.alias())) == 0)
          out_.dangling.insert(std::string(event.alias()));
        span.style = YamlStyle::Alias;
        span.begin = offset(event.start());
        span.end = offset(event.end());
        span.value = Any("*" + std::string(event.alias()));
        return {};
      case YAML_SEQUENCE_START_EVENT:
        return read_list(event, reading, depth);
      case YAML_MAPPING_START_EVENT:
        return read_map(event, span, depth);
      default:
        return wrong(event, "a value was expected");
    }
  }

  Status read_scalar(Event& event, YamlSpan& span) {
    const auto& scalar = event.raw().data.scalar;
    span.text = std::string(event.text());
    span.anchor = std::string(event.anchor());
    span.begin = offset(event.start());
    span.end = offset(event.end());
    span.value = scalar.plain_implicit != 0 ? resolve_plain(event.text()) : tagged(event);
    switch (scalar.style) {
      case YAML_SINGLE_QUOTED_SCALAR_STYLE:
        span.style = YamlStyle::Single;
        break;
      case YAML_DOUBLE_QUOTED_SCALAR_STYLE:
        span.style = YamlStyle::Double;
        break;
      case YAML_LITERAL_SCALAR_STYLE:
      case YAML_FOLDED_SCALAR_STYLE:
        span.style = YamlStyle::Block;
        span.last_line = last_line_of_block(event);
        break;
      default:
        span.style = YamlStyle::Plain;
    }
    return {};
  }

  // A scalar with quotes or a tag. Only the core schema's own tags change what it means.
  static Any tagged(Event& event) {
    const auto& scalar = event.raw().data.scalar;
    const std::string_view tag =
        scalar.tag == nullptr ? "" : reinterpret_cast<const char*>(scalar.tag);
    for (const std::string_view name :
         {YAML_INT_TAG, YAML_FLOAT_TAG, YAML_BOOL_TAG, YAML_NULL_TAG}) {
      if (tag == name) return resolve_plain(event.text());
    }
    return Any(event.text());
  }

  // libyaml ends a block scalar behind the blank lines that follow it. Those belong to it only if
  // it keeps them ("|+").
  std::size_t last_line_of_block(const Event& event) const {
    const std::size_t first = event.start().line;
    std::size_t last =
        event.end().column > 0 ? event.end().line : std::max(event.end().line, first + 1) - 1;
    last = std::min(last, out_.lines.size() - 2);
    std::string_view indicator = text_.substr(offset(event.start()));
    indicator = indicator.substr(0, indicator.find_first_of("\r\n"));
    indicator = indicator.substr(0, indicator.find('#'));
    if (indicator.find('+') != std::string_view::npos) return last;
    while (last > first &&
           std::string_view("\r\n").find(line_text(last).front()) != std::string_view::npos)
      --last;
    return last;
  }

  Status read_list(Event& start, Reading& reading, int depth) {
    if (depth >= kMaxHeaderDepth) return too_deep(start);
    YamlSpan& span = reading.span;
    const bool flow = start.raw().data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE;
    span.style = flow ? YamlStyle::Flow : YamlStyle::BlockList;
    span.anchor = std::string(start.anchor());
    AnyArray values;
    while (true) {
      DX_TRY(Event event, next());
      if (event.type() == YAML_SEQUENCE_END_EVENT) {
        if (flow) close_flow(start, event, span);
        break;
      }
      Reading item;
      DX_TRY_OK(read_value(event, item, depth + 1));
      span.last_line = std::max(span.last_line, item.span.last_line);
      values.push_back(item.span.value);
      if (reading.items != nullptr && !flow) reading.items->push_back(std::move(item.span));
    }
    span.value = Any(std::move(values));
    return {};
  }

  Status read_map(Event& start, YamlSpan& span, int depth) {
    if (depth >= kMaxHeaderDepth) return too_deep(start);
    const bool flow = start.raw().data.mapping_start.style == YAML_FLOW_MAPPING_STYLE;
    span.style = flow ? YamlStyle::Flow : YamlStyle::BlockMap;
    span.anchor = std::string(start.anchor());
    AnyObject members;
    std::unordered_set<std::string> seen;
    while (true) {
      DX_TRY(Event event, next());
      if (event.type() == YAML_MAPPING_END_EVENT) {
        if (flow) close_flow(start, event, span);
        break;
      }
      Reading key;
      DX_TRY_OK(read_value(event, key, depth + 1));
      std::string name =
          event.type() == YAML_SCALAR_EVENT ? std::string(event.text()) : key_text(key.span.value);
      DX_TRY(Event second, next());
      Reading value;
      DX_TRY_OK(read_value(second, value, depth + 1));
      span.last_line = std::max(span.last_line, key.span.last_line);
      // Behind "? key" alone libyaml sees the absent value where the next thing begins, which may
      // be behind the end.
      const bool absent = second.type() == YAML_SCALAR_EVENT && second.text().empty() &&
                          second.start().index == second.end().index;
      if (!absent) span.last_line = std::max(span.last_line, value.span.last_line);
      if (seen.insert(name).second) {
        members.emplace_back(std::move(name), std::move(value.span.value));
      } else {
        const auto same = [&](const auto& member) { return member.first == name; };
        std::find_if(members.begin(), members.end(), same)->second = std::move(value.span.value);
      }
    }
    span.value = Any(std::move(members));
    return {};
  }

  // A key that is a list or a map: its JSON, so that it has a name at all.
  static std::string key_text(const Any& key) {
    const auto* text = key.get<std::string>();
    return text != nullptr ? *text : codec::to_js_json(key);
  }

  void close_flow(const Event& start, const Event& end, YamlSpan& span) const {
    span.begin = offset(start.start());
    span.end = offset(end.end());
    span.last_line = end.end().line;
  }

  void note_anchor(const Event& event) {
    if (!event.anchor().empty()) anchors_.insert(std::string(event.anchor()));
  }

  Result<Event> next() {
    Event event;
    if (yaml_parser_parse(&parser_, &event.raw()) != 0) return event;
    const std::string reason = parser_.problem == nullptr ? "cannot be read" : parser_.problem;
    if (parser_.error == YAML_READER_ERROR) {
      const std::size_t octet = std::min(parser_.problem_offset, text_.size());
      const auto after = std::upper_bound(out_.lines.begin(), out_.lines.end() - 1, octet);
      const auto line = static_cast<std::size_t>(after - out_.lines.begin()) - 1;
      return Error{ErrorCode::Malformed,
                   position(line, characters(out_.lines[line], octet)) + reason};
    }
    return Error{ErrorCode::Malformed,
                 position(parser_.problem_mark.line, parser_.problem_mark.column) + reason};
  }

  static Error wrong(const Event& event, const std::string& reason) {
    return Error{ErrorCode::Malformed, position(event.start().line, event.start().column) + reason};
  }
  static Error too_deep(const Event& event) {
    return Error{ErrorCode::LimitExceeded, position(event.start().line, event.start().column) +
                                               "nested more than " +
                                               std::to_string(kMaxHeaderDepth) + " deep"};
  }

  std::size_t characters(std::size_t from, std::size_t to) const {
    std::size_t count = 0;
    for (std::size_t at = from; at < to; ++at) {
      if ((static_cast<unsigned char>(text_[at]) & 0xC0U) != 0x80U) ++count;
    }
    return count;
  }

  std::string_view line_text(std::size_t line) const {
    return text_.substr(out_.lines[line], out_.lines[line + 1] - out_.lines[line]);
  }

  // libyaml's marks count characters; lines are the only thing they share with octets.
  std::size_t offset(const yaml_mark_t& mark) const {
    if (mark.line + 1 >= out_.lines.size()) return text_.size();
    std::size_t at = out_.lines[mark.line];
    for (std::size_t column = mark.column; column > 0 && at < text_.size(); --column)
      at += code_point_at(text_, at).bytes;
    return std::min(at, text_.size());
  }

  std::string_view text_;
  yaml_parser_t parser_{};
  HeaderLayout out_;
  std::unordered_set<std::string> anchors_;
};

}  // namespace

Result<FencedHeader> take_apart_header(std::string_view header) {
  const std::size_t open = header.find('\n');
  const std::size_t end =
      header.empty() || header.back() != '\n' ? header.size() : header.size() - 1;
  const std::size_t close = end == 0 ? std::string_view::npos : header.rfind('\n', end - 1);
  if (header.substr(0, 3) != "---" || open == std::string_view::npos ||
      close == std::string_view::npos || header.substr(close + 1, 3) != "---") {
    return Error{ErrorCode::Malformed, "1:1: no header: it starts and ends with a line of ---"};
  }
  return FencedHeader{header.substr(0, open + 1), header.substr(open + 1, close - open),
                      header.substr(close + 1)};
}

Result<HeaderLayout> lay_out_header(std::string_view inner) {
  if (inner.size() > kMaxHeaderBytes) {
    return Error{ErrorCode::LimitExceeded, "1:1: a header of " + std::to_string(inner.size()) +
                                               " octets, at most " +
                                               std::to_string(kMaxHeaderBytes)};
  }
  return Layouter(inner).run();
}

}  // namespace diaryx::workspace
