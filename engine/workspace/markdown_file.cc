#include "engine/workspace/markdown_file.h"

#include <algorithm>

#include "engine/base/utf.h"

namespace diaryx::workspace {
namespace {

constexpr std::string_view kBom = "\xEF\xBB\xBF";

// The octet where the first ill-formed character starts.
std::size_t first_bad_octet(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    std::size_t length = 1;
    while (length <= 4 && at + length <= text.size() && !is_utf8(text.substr(at, length))) ++length;
    if (length > 4 || at + length > text.size()) break;
    at += length;
  }
  return at;
}

// Every LF has its CR, every CR its LF, and there is one: then CRLF can be put back without knowing
// more.
bool all_breaks_are_crlf(std::string_view text) {
  bool any = false;
  for (std::size_t at = text.find_first_of("\r\n"); at != std::string_view::npos;
       at = text.find_first_of("\r\n", at + 2)) {
    if (text[at] != '\r' || at + 1 >= text.size() || text[at + 1] != '\n') return false;
    any = true;
  }
  return any;
}

std::string without_cr(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  std::copy_if(text.begin(), text.end(), std::back_inserter(out), [](char c) { return c != '\r'; });
  return out;
}

// A CR before a LF that is there already is taken for half of that break: a client may have pasted
// CRLF text.
void append_with_crlf(std::string& out, std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t lf = text.find('\n', at);
    if (lf == std::string_view::npos) {
      out.append(text.substr(at));
      return;
    }
    std::size_t end = lf;
    if (end > at && text[end - 1] == '\r') --end;
    out.append(text.substr(at, end - at)).append("\r\n");
    at = lf + 1;
  }
}

// "---" and white space up to `end`, which is the line's end without its break.
bool is_fence(std::string_view line) {
  if (line.substr(0, 3) != "---") return false;
  line.remove_prefix(3);
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return line.find_first_not_of(" \t") == std::string_view::npos;
}

// Length of the header at the start of `text`, 0 if there is none.
std::size_t header_length(std::string_view text) {
  std::size_t end = text.find('\n');
  if (end == std::string_view::npos || !is_fence(text.substr(0, end))) return 0;
  while (end + 1 < text.size()) {
    const std::size_t begin = end + 1;
    end = std::min(text.find('\n', begin), text.size());
    if (is_fence(text.substr(begin, end - begin))) return std::min(end + 1, text.size());
  }
  return 0;
}

}  // namespace

Result<MarkdownFile> split_markdown(std::string_view bytes) {
  if (!is_utf8(bytes)) {
    return Error{ErrorCode::Malformed,
                 "not UTF-8 at octet " + std::to_string(first_bad_octet(bytes))};
  }
  if (const std::size_t at = bytes.find('\0'); at != std::string_view::npos) {
    return Error{ErrorCode::Malformed, "not a text: NUL at octet " + std::to_string(at)};
  }
  MarkdownFile file;
  if (bytes.substr(0, kBom.size()) == kBom) {
    file.bom = true;
    bytes.remove_prefix(kBom.size());
  }
  std::string unix_text;
  if (all_breaks_are_crlf(bytes)) {
    file.eol = Eol::Crlf;
    unix_text = without_cr(bytes);
    bytes = unix_text;
  }
  const std::size_t length = header_length(bytes);
  if (length > 0) file.header = std::string(bytes.substr(0, length));
  file.body = std::string(bytes.substr(length));
  return file;
}

bool is_header(std::string_view text) {
  if (text.empty() || header_length(text) != text.size()) return false;
  if (text.find('\0') != std::string_view::npos || !is_utf8(text)) return false;
  // With the break of the body's first line, it would be a file in CRLF.
  return text.back() != '\r' || !all_breaks_are_crlf(text.substr(0, text.size() - 1));
}

std::string join_markdown(const MarkdownFile& file) {
  std::string out;
  out.reserve(file.body.size() + (file.header ? file.header->size() : 0) + 8);
  if (file.bom) out += kBom;
  const auto append = [&](std::string_view text) {
    if (file.eol == Eol::Crlf) {
      append_with_crlf(out, text);
    } else {
      out += text;
    }
  };
  if (file.header) {
    append(*file.header);
    if (!file.body.empty() && !file.header->empty() && file.header->back() != '\n') append("\n");
  }
  append(file.body);
  return out;
}

}  // namespace diaryx::workspace
