#include "web/endpoints.h"

#include <string_view>

#include "web/http_router.h"

namespace diaryx::web {
namespace {

constexpr std::string_view kRooms = "/ws/";
constexpr std::string_view kWorkspacePrefix = "workspace:";

}  // namespace

std::optional<sync::Endpoint> endpoint_of(const HttpRequest& request) {
  const std::string_view path = request.path();
  if (path == "/sync2") return sync::Endpoint{.dialect = sync::DialectKind::Sync2, .document = {}};
  if (path == "/hocuspocus")
    return sync::Endpoint{.dialect = sync::DialectKind::Hocuspocus, .document = {}};
  if (path == "/sync") {
    const bool multiplexed = request.query("multiplexed").value_or("") == "true";
    return sync::Endpoint{.dialect = sync::DialectKind::Sync1,
                          .document = multiplexed ? "" : request.query("file").value_or(""),
                          .multiplexed = multiplexed};
  }
  if (path.starts_with(kRooms) && path.size() > kRooms.size()) {
    return sync::Endpoint{.dialect = sync::DialectKind::YWebsocket,
                          .document = decode_path(path.substr(kRooms.size()))};
  }
  return std::nullopt;
}

bool names_other_workspace(const HttpRequest& request, const std::string& workspace_id) {
  const auto doc = request.query("doc");
  if (!doc || request.path() != "/sync") return false;
  std::string_view name = *doc;
  if (name.starts_with(kWorkspacePrefix)) name.remove_prefix(kWorkspacePrefix.size());
  return name != workspace_id;
}

}  // namespace diaryx::web
