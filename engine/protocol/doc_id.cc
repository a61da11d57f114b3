#include "engine/protocol/doc_id.h"

#include <fmt/format.h>

#include "engine/base/utf.h"

namespace diaryx::protocol {
namespace {

constexpr std::string_view kWorkspacePrefix = "workspace:";
constexpr std::string_view kBodyPrefix = "body:";

bool is_workspace_char(char c) noexcept {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-';
}

Status check_workspace_id(std::string_view text) {
  if (is_workspace_id(text)) return {};
  return Error{ErrorCode::Malformed,
               fmt::format("document id: workspace id is not 1 to {} of A-Z a-z 0-9 _ -",
                           kMaxWorkspaceIdBytes)};
}

}  // namespace

bool is_workspace_id(std::string_view text) noexcept {
  if (text.empty() || text.size() > kMaxWorkspaceIdBytes) return false;
  for (const char c : text) {
    if (!is_workspace_char(c)) return false;
  }
  return true;
}

Result<DocId> parse_doc_id(std::string_view text) {
  if (text.size() > kMaxDocIdBytes) {
    return Error{ErrorCode::LimitExceeded, fmt::format("document id: {} octets, {} are allowed",
                                                       text.size(), kMaxDocIdBytes)};
  }
  if (!is_utf8(text)) return Error{ErrorCode::Malformed, "document id: not UTF-8"};
  if (text.starts_with(kWorkspacePrefix)) {
    const std::string_view workspace = text.substr(kWorkspacePrefix.size());
    DX_TRY_OK(check_workspace_id(workspace));
    return DocId{DocKind::Workspace, std::string(workspace), {}};
  }
  if (text.starts_with(kBodyPrefix)) {
    const std::string_view rest = text.substr(kBodyPrefix.size());
    const std::size_t slash = rest.find('/');
    if (slash == std::string_view::npos)
      return Error{ErrorCode::Malformed, "document id: no '/' behind the workspace id"};
    DX_TRY_OK(check_workspace_id(rest.substr(0, slash)));
    const std::string_view key = rest.substr(slash + 1);
    if (key.empty())
      return Error{ErrorCode::Malformed, "document id: no file behind the workspace id"};
    return DocId{DocKind::Body, std::string(rest.substr(0, slash)), std::string(key)};
  }
  return Error{ErrorCode::Malformed, "document id: neither 'workspace:' nor 'body:'"};
}

Result<std::string> format_doc_id(const DocId& id) {
  std::string text = id.kind == DocKind::Workspace
                         ? fmt::format("{}{}", kWorkspacePrefix, id.workspace_id)
                         : fmt::format("{}{}/{}", kBodyPrefix, id.workspace_id, id.key);
  // Whatever could not be read back has no text form.
  DX_TRY(const DocId back, parse_doc_id(text));
  if (back != id)
    return Error{ErrorCode::InvalidArgument, "document id: a workspace has no file key"};
  return text;
}

}  // namespace diaryx::protocol
