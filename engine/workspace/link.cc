#include "engine/workspace/link.h"

#include <array>
#include <vector>

#include "engine/base/utf.h"

namespace diaryx::workspace {
namespace {

struct FormatName {
  LinkFormat format;
  std::string_view name;
};
constexpr std::array<FormatName, 4> kFormats{{{LinkFormat::MarkdownRoot, "markdown_root"},
                                              {LinkFormat::MarkdownRelative, "markdown_relative"},
                                              {LinkFormat::PlainRelative, "plain_relative"},
                                              {LinkFormat::PlainCanonical, "plain_canonical"}}};

std::string_view trim(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

// What stands between "(" and its ")", or in <> within them. `text` starts behind the "(".
std::optional<std::string_view> url_of(std::string_view text) {
  if (!text.empty() && text.front() == '<') {
    const std::size_t end = text.find('>');
    if (end == std::string_view::npos || end + 1 >= text.size() || text[end + 1] != ')')
      return std::nullopt;
    return text.substr(1, end - 1);
  }
  int depth = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '(') ++depth;
    if (text[i] == ')' && depth-- == 0) return text.substr(0, i);
  }
  return std::nullopt;
}

std::vector<std::string_view> components_of(std::string_view path) {
  std::vector<std::string_view> parts;
  for (std::size_t at = 0; at <= path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    parts.push_back(path.substr(at, end - at));
    at = end + 1;
  }
  return parts;
}

// "https://…", "file://…".
bool has_scheme(std::string_view target) {
  const std::size_t colon = target.find("://");
  return colon != std::string_view::npos && colon > 0 &&
         target.substr(0, colon).find_first_of("/. ") == std::string_view::npos;
}

std::string_view folder_of(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return path.substr(0, slash == std::string_view::npos ? 0 : slash);
}

std::string join_components(const std::vector<std::string_view>& parts, std::size_t from) {
  std::string out;
  for (std::size_t i = from; i < parts.size(); ++i) {
    if (!out.empty()) out += '/';
    out += parts[i];
  }
  return out;
}

std::string relative_path(std::string_view from, std::string_view to) {
  const std::string_view folder = folder_of(from);
  const std::vector<std::string_view> source =
      folder.empty() ? std::vector<std::string_view>{} : components_of(folder);
  const std::vector<std::string_view> target = components_of(to);
  std::size_t common = 0;
  while (common < source.size() && common + 1 < target.size() && source[common] == target[common])
    ++common;
  std::string out;
  for (std::size_t i = common; i < source.size(); ++i) out += "../";
  return out + join_components(target, common);
}

std::string markdown_link(std::string_view title, std::string_view url) {
  std::string out = "[";
  // Brackets in a title end it for some readers and not for others, so they become round ones; a
  // title is one line.
  for (const char c : title)
    out += c == '[' ? '(' : c == ']' ? ')' : c == '\n' || c == '\r' ? ' ' : c;
  out += "](";
  const bool wrap = url.find_first_of(" ()<>") != std::string_view::npos;
  // A pointed bracket cannot stand in <>. Once one is escaped, a "%" that is a letter of the name
  // must be, too.
  const bool escape = url.find_first_of("<>") != std::string_view::npos;
  if (wrap) out += '<';
  for (const char c : url) {
    if (escape && (c == '<' || c == '>' || c == '%')) {
      out += c == '<' ? "%3C" : c == '>' ? "%3E" : "%25";
    } else {
      out += c;
    }
  }
  if (wrap) out += '>';
  return out + ")";
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Letters of other scripts count as alphanumeric without a table of Unicode: everything above ASCII
// does, but for the blocks of punctuation, spaces and symbols that people do type.
bool is_title_mark(char32_t c) {
  return (c >= 0x80 && c <= 0xBF && c != 0xAA && c != 0xB5 && c != 0xBA && c != 0xB2 && c != 0xB3 &&
          c != 0xB9) ||
         c == 0xD7 || c == 0xF7 || (c >= 0x2000 && c <= 0x206F) || (c >= 0x2190 && c <= 0x2BFF) ||
         (c >= 0x3000 && c <= 0x3004) || (c >= 0x3008 && c <= 0x3020) ||
         (c >= 0xFE00 && c <= 0xFE0F) || (c >= 0xFF01 && c <= 0xFF0F) ||
         (c >= 0x1F000 && c <= 0x1FAFF);
}

// Lower case for the scripts where it is an offset: Latin-1, Greek, Cyrillic, and the paired
// letters of Latin Extended-A.
char32_t lower(char32_t c) {
  if (c >= 'A' && c <= 'Z') return c + 32;
  if ((c >= 0xC0 && c <= 0xDE && c != 0xD7) || (c >= 0x391 && c <= 0x3A9 && c != 0x3A2))
    return c + 32;
  if (c >= 0x410 && c <= 0x42F) return c + 32;
  if (c >= 0x400 && c <= 0x40F) return c + 80;
  if ((c >= 0x100 && c <= 0x137 && c != 0x130) || (c >= 0x14A && c <= 0x177)) return c | 1U;
  if ((c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17E)) return c + (c & 1U);
  return c;
}

}  // namespace

std::optional<LinkFormat> parse_link_format(std::string_view text) {
  for (const FormatName& entry : kFormats) {
    if (entry.name == text) return entry.format;
  }
  return std::nullopt;
}

std::string_view to_string(LinkFormat format) noexcept {
  for (const FormatName& entry : kFormats) {
    if (entry.format == format) return entry.name;
  }
  return {};
}

Link parse_link(std::string_view text) {
  text = trim(text);
  Link link{std::nullopt, std::string(text), LinkBase::Ambiguous};
  if (!text.empty() && text.front() == '[') {
    const std::size_t close = text.find(']');
    if (close != std::string_view::npos && close + 1 < text.size() && text[close + 1] == '(') {
      if (const auto url = url_of(text.substr(close + 2))) {
        link.title = std::string(text.substr(1, close - 1));
        link.target = std::string(trim(*url));
      }
    }
  }
  if (link.target.substr(0, 1) == "/") {
    link.target.erase(0, 1);
    link.base = LinkBase::Root;
  } else if (link.target.substr(0, 2) == "./" || link.target.substr(0, 3) == "../" ||
             link.target == "." || link.target == "..") {
    link.base = LinkBase::Relative;
  }
  return link;
}

std::optional<std::string> canonical_target(const Link& link, std::string_view from,
                                            LinkFormat hint) {
  if (link.target.empty() || link.target.front() == '/' || has_scheme(link.target))
    return std::nullopt;
  const bool from_root = link.base == LinkBase::Root ||
                         (link.base == LinkBase::Ambiguous && hint == LinkFormat::PlainCanonical);
  std::vector<std::string_view> parts;
  const std::string_view folder = from_root ? std::string_view() : folder_of(from);
  if (!folder.empty()) parts = components_of(folder);
  for (const std::string_view part : components_of(link.target)) {
    if (part.empty() || part == ".") continue;
    if (part != "..") {
      parts.push_back(part);
    } else if (parts.empty()) {
      return std::nullopt;
    } else {
      parts.pop_back();
    }
  }
  if (parts.empty()) return std::nullopt;
  return join_components(parts, 0);
}

std::optional<std::string> attachment_target(
    std::string_view text, std::string_view from, LinkFormat format,
    const std::function<bool(const std::string&)>& is_there) {
  const Link link = parse_link(text);
  for (const LinkFormat hint : {format, LinkFormat::PlainCanonical}) {
    auto path = canonical_target(link, from, hint);
    if (path && is_there(*path)) return path;
  }
  return std::nullopt;
}

std::optional<std::string> decode_percent(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const int high = hex_digit(text[i + 1]);
    const int low = hex_digit(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  if (out == text || !is_utf8(out)) return std::nullopt;
  return out;
}

std::string format_link(LinkFormat format, std::string_view from, std::string_view to,
                        std::string_view title) {
  switch (format) {
    case LinkFormat::MarkdownRoot:
      return markdown_link(title, "/" + std::string(to));
    case LinkFormat::MarkdownRelative:
      return markdown_link(title, relative_path(from, to));
    case LinkFormat::PlainRelative:
      return relative_path(from, to);
    case LinkFormat::PlainCanonical:
      return std::string(to);
  }
  return std::string(to);
}

std::string path_to_title(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  std::string_view stem = path.substr(slash == std::string_view::npos ? 0 : slash + 1);
  if (const std::size_t dot = stem.rfind('.'); dot != std::string_view::npos && dot > 0)
    stem = stem.substr(0, dot);
  std::string title;
  for (const char c : stem) {
    const char shown = c == '_' || c == '-' ? ' ' : c;
    const bool starts_word = title.empty() || title.back() == ' ';
    if (shown == ' ' && starts_word) continue;
    title += starts_word && shown >= 'a' && shown <= 'z' ? static_cast<char>(shown - 32) : shown;
  }
  while (!title.empty() && title.back() == ' ') title.pop_back();
  return title.empty() ? std::string(stem) : title;
}

std::string title_to_file_name(std::string_view title) {
  std::string name;
  bool gap = false;
  for (std::size_t at = 0; at < title.size();) {
    const CodePoint c = code_point_at(title, at);
    at += c.bytes;
    const bool ascii_letter = (c.value >= '0' && c.value <= '9') ||
                              (c.value >= 'a' && c.value <= 'z') ||
                              (c.value >= 'A' && c.value <= 'Z');
    if (!ascii_letter && (c.value < 0x80 || is_title_mark(c.value))) {
      gap = true;
      continue;
    }
    if (name.size() > 180)
      break;  // A path's component is at most 200 octets; leave room for ".md" and " (2)".
    if (gap && !name.empty()) name += '-';
    gap = false;
    append_code_point(name, lower(c.value));
  }
  return (name.empty() ? std::string("untitled") : name) + ".md";
}

}  // namespace diaryx::workspace
