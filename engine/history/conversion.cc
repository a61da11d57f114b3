#include "engine/history/conversion.h"

#include <utility>

namespace diaryx::history {

Result<Stored> Conversion::to_stored(const std::string& path, std::string bytes) const {
  const char* names[] = {"filter", "working-tree-encoding", "ident"};
  const char* values[] = {nullptr, nullptr, nullptr};
  const int code = git_attr_get_many(values, repository_, GIT_ATTR_CHECK_FILE_THEN_INDEX,
                                     path.c_str(), 3, names);
  if (code < 0) return git_failure(code, "read the attributes of " + path);
  if (const auto filter = external_filter(values[0])) {
    return Stored{{}, "needs git's filter \"" + *filter + "\": commit it with git"};
  }
  if (git_attr_value(values[1]) == GIT_ATTR_VALUE_STRING) {
    return Stored{{}, "needs git's working-tree-encoding: commit it with git"};
  }
  // Read before the next call, which may renew the attributes that `values` borrows from.
  const bool ident = git_attr_value(values[2]) == GIT_ATTR_VALUE_TRUE;
  DX_TRY(std::string stored, apply_built_in(path, std::move(bytes)));
  // libgit2 1.5 collapses only the first keyword of a file; git collapses all.
  if (ident) stored = collapse_ident(stored);
  return Stored{std::move(stored), std::nullopt};
}

std::optional<std::string> Conversion::external_filter(const char* attribute) const {
  if (git_attr_value(attribute) != GIT_ATTR_VALUE_STRING) return std::nullopt;
  const std::string section = std::string("filter.") + attribute;
  const bool configured = config_text(config_, (section + ".clean").c_str()) ||
                          config_text(config_, (section + ".process").c_str());
  // A filter that is named and not configured is none: git stores the bytes as they are.
  if (!configured) return std::nullopt;
  return std::string(attribute);
}

Result<std::string> Conversion::apply_built_in(const std::string& path, std::string bytes) const {
  git_filter_list* raw = nullptr;
  int code = git_filter_list_load(&raw, repository_, nullptr, path.c_str(), GIT_FILTER_TO_ODB,
                                  GIT_FILTER_DEFAULT);
  const FilterListHandle filters(raw);
  if (code < 0) return git_failure(code, "read the filters of " + path);
  if (!filters) return bytes;
  GitText filtered;
  code = git_filter_list_apply_to_buffer(filtered.out(), filters.get(), bytes.data(), bytes.size());
  if (code < 0) return git_failure(code, "convert " + path);
  return std::string(filtered.view());
}

std::string collapse_ident(std::string_view text) {
  constexpr std::string_view kStart = "$Id:";
  std::string out;
  while (true) {
    const std::size_t start = text.find(kStart);
    if (start == std::string_view::npos) break;
    const std::size_t after = start + kStart.size();
    const std::size_t end = text.find_first_of("$\n", after);
    if (end == std::string_view::npos) break;
    out.append(text.substr(0, start));
    // A keyword that does not end on its line is none.
    out.append(text[end] == '$' ? std::string_view("$Id$") : text.substr(start, end + 1 - start));
    text.remove_prefix(end + 1);
  }
  return out.append(text);
}

}  // namespace diaryx::history
