#include "web/attachment_routes.h"

#include <string>
#include <utility>

#include "web/http_status.h"

namespace diaryx::web {
namespace {

constexpr std::string_view kPrefix = "/api/attachments/";

std::string refusal(int status, std::string_view message = {}) {
  return simple_response(status, "application/json", error_body(status, message));
}

// Asked for when the file has been looked at. Core is asked once.
KnownHash known_hash(const RouteParts& parts, std::string_view path) {
  return [parts, path = std::string(path)](const filesystem::FileStat& found) {
    const auto hash =
        parts.core.call([path, found](Workspace& workspace) -> Result<std::optional<Sha256>> {
          return workspace.disk().attachments().hash_of(path, found);
        });
    return hash ? *hash : std::nullopt;  // The server is about to stop: it is not known.
  };
}

}  // namespace

void judge_upload(const HttpRequest& request, Attachments& attachments, std::uint64_t max_bytes,
                  const std::function<void(std::function<void()>)>& run, HeadVerdict& verdict) {
  const std::string path = decode_path(request.path());
  if (request.method != "PUT" || !path.starts_with(kPrefix) || verdict.refusal) return;
  if (!verdict.is_owner) {
    verdict.refusal = refusal(401);  // Before a stranger has sent us a gigabyte.
    return;
  }
  auto upload = attachments.begin_upload(std::string_view(path).substr(kPrefix.size()), run);
  if (!upload) {
    verdict.refusal = refusal(status_of(upload.error().code), upload.error().message);
    return;
  }
  verdict.sink = std::move(*upload);
  verdict.max_body_bytes = max_bytes;
}

void add_attachment_routes(HttpRouter& router, const RouteParts& parts) {
  const auto get = [parts](const Call& call) {
    const std::string& path = call.parts.at(0);
    return parts.attachments.get(path, call.request, known_hash(parts, path));
  };
  router.add("GET", "/attachments/(.+)", Door::Reader, get);
  router.add("GET", "/api/attachments/(.+)", Door::Reader, get);
  router.add("GET", "/api/attachments", Door::Reader, [parts](const Call&) {
    const auto known =
        parts.core.call([](Workspace& workspace) { return workspace.disk().attachments().rows(); });
    return parts.attachments.list(known ? *known : sync::AttachmentIndex::Rows());
  });
  router.add("PUT", "/api/attachments/(.+)", Door::Owner, [parts](const Call& call) {
    if (call.sink == nullptr) return Reply::error(400);
    // judge_upload() gave it, and nothing else has sinks.
    auto& upload = static_cast<Upload&>(*call.sink);
    return parts.attachments.finish_upload(upload, call.request,
                                           known_hash(parts, upload.path().str()));
  });
  router.add("DELETE", "/api/attachments/(.+)", Door::Owner, [parts](const Call& call) {
    const std::string& path = call.parts.at(0);
    return parts.attachments.remove(path, call.request, known_hash(parts, path));
  });
}

}  // namespace diaryx::web
