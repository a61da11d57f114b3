// A LinkResolver over a table of path → id, for tests of what stands above links and below
// documents.
#pragma once

#include <map>
#include <set>
#include <string>

#include "engine/workspace/file_record.h"
#include "engine/workspace/link.h"

namespace diaryx::test {

class FakeLinks final : public workspace::LinkResolver {
 public:
  std::map<std::string, std::string> ids;  // path → id
  std::set<std::string> dead;
  workspace::LinkFormat format = workspace::LinkFormat::MarkdownRoot;

  std::optional<std::string> id_of(std::string_view text, std::string_view from) const override {
    const auto path = workspace::canonical_target(workspace::parse_link(text), from, format);
    if (!path || ids.count(*path) == 0) return std::nullopt;
    return ids.at(*path);
  }
  std::optional<std::string> link_to(std::string_view id, std::string_view from) const override {
    for (const auto& [path, known] : ids) {
      if (known == id)
        return workspace::format_link(format, from, path, workspace::path_to_title(path));
    }
    return std::nullopt;
  }
  bool is_file_id(std::string_view text) const override {
    return dead.count(std::string(text)) > 0;
  }
};

}  // namespace diaryx::test
