#include "engine/base/path.h"

#include <algorithm>

#include "engine/base/utf.h"

namespace diaryx {
namespace {

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](unsigned char x, unsigned char y) {
    return std::tolower(x) == std::tolower(y);
  });
}

Status check_component(std::string_view component) {
  if (component.empty()) return Error{ErrorCode::NotAllowed, "path: empty component"};
  if (component == "." || component == "..") {
    return Error{ErrorCode::NotAllowed, "path: \"" + std::string(component) + "\" is not allowed"};
  }
  if (component.size() > kMaxComponentBytes) {
    return Error{ErrorCode::LimitExceeded, "path: a name of " + std::to_string(component.size()) +
                                               " octets, at most " +
                                               std::to_string(kMaxComponentBytes)};
  }
  if (equals_ignoring_case(component, ".diaryx") || equals_ignoring_case(component, ".git")) {
    return Error{ErrorCode::NotAllowed, "path: \"" + std::string(component) + "\" is reserved"};
  }
  for (const char ch : component) {
    const auto c = static_cast<unsigned char>(ch);
    if (c < 0x20 || c == 0x7F) return Error{ErrorCode::NotAllowed, "path: control character"};
    if (c == '\\') return Error{ErrorCode::NotAllowed, "path: backslash"};
  }
  return {};
}

bool is_space(char c) {
  return c == ' ' || c == '\t';
}

}  // namespace

Result<WorkspacePath> WorkspacePath::parse(std::string_view text) {
  if (text.empty()) return Error{ErrorCode::NotAllowed, "path: empty"};
  if (text.size() > kMaxPathBytes) {
    return Error{ErrorCode::LimitExceeded, "path: " + std::to_string(text.size()) +
                                               " octets, at most " + std::to_string(kMaxPathBytes)};
  }
  if (text.front() == '/') return Error{ErrorCode::NotAllowed, "path: absolute"};
  if (!is_utf8(text)) return Error{ErrorCode::Malformed, "path: not UTF-8"};
  if (is_space(text.front()) || is_space(text.back())) {
    return Error{ErrorCode::NotAllowed, "path: begins or ends with white space"};
  }
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find('/', at), text.size());
    DX_TRY_OK(check_component(text.substr(at, end - at)));
    at = end + 1;
  }
  return WorkspacePath(std::string(text));
}

std::string_view WorkspacePath::name() const noexcept {
  const std::size_t slash = text_.rfind('/');
  return std::string_view(text_).substr(slash == std::string::npos ? 0 : slash + 1);
}

std::string_view WorkspacePath::parent() const noexcept {
  const std::size_t slash = text_.rfind('/');
  return std::string_view(text_).substr(0, slash == std::string::npos ? 0 : slash);
}

std::string_view WorkspacePath::stem() const noexcept {
  const std::string_view file = name();
  const std::size_t dot = file.rfind('.');
  return file.substr(0, dot == std::string_view::npos || dot == 0 ? file.size() : dot);
}

bool WorkspacePath::is_markdown() const noexcept {
  return text_.size() > 3 &&
         equals_ignoring_case(std::string_view(text_).substr(text_.size() - 3), ".md");
}

bool WorkspacePath::is_hidden() const noexcept {
  return text_.front() == '.' || text_.find("/.") != std::string::npos;
}

}  // namespace diaryx
