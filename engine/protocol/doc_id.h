// The name of a document on the wire and in the store.
//
//   doc_id := "workspace:" ws  |  "body:" ws "/" key
//   ws     := 1*64 of A-Z a-z 0-9 _ -          (it was used as a file name once; keep it harmless)
//   key    := a file id (no "/" and no ".")  |  a workspace-relative path (filesystem/path.h
//   decides if it is a good one)
//
// The whole id is UTF-8 and 1..255 octets: the frame's length is one octet.
#pragma once

#include <string>
#include <string_view>

#include "engine/base/result.h"

namespace diaryx::protocol {

inline constexpr std::size_t kMaxDocIdBytes = 255;
inline constexpr std::size_t kMaxWorkspaceIdBytes = 64;

enum class DocKind { Workspace, Body };

struct DocId {
  DocKind kind;
  std::string workspace_id;
  std::string key;  // Body only.

  bool operator==(const DocId&) const = default;
};

Result<DocId> parse_doc_id(std::string_view text);
// LimitExceeded if it would be longer than 255 octets.
Result<std::string> format_doc_id(const DocId& id);
bool is_workspace_id(std::string_view text) noexcept;

}  // namespace diaryx::protocol
