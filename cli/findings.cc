#include "cli/findings.h"

#include <fmt/core.h>

#include "cli/report.h"

namespace diaryx::cli {

OrderedJson issues_json(const std::vector<workspace::Issue>& issues) {
  OrderedJson out = OrderedJson::array();
  for (const workspace::Issue& issue : issues) out.push_back(to_json(issue));
  return out;
}

std::string issue_line(const workspace::Issue& issue) {
  return fmt::format("{}: {}: {} [{}]", printable(issue.path.empty() ? issue.key : issue.path),
                     to_string(issue.severity), printable(issue.message), to_string(issue.kind));
}

OrderedJson skipped_json(const std::vector<std::pair<std::string, std::string>>& skipped) {
  OrderedJson out = OrderedJson::array();
  for (const auto& [path, reason] : skipped) out.push_back({{"path", path}, {"reason", reason}});
  return out;
}

}  // namespace diaryx::cli
