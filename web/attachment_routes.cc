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
    return parts.attachments.get(call.parts.at(0), call.request);
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
    return parts.attachments.finish_upload(static_cast<Upload&>(*call.sink), call.request);
  });
  router.add("DELETE", "/api/attachments/(.+)", Door::Owner, [parts](const Call& call) {
    return parts.attachments.remove(call.parts.at(0), call.request);
  });
}

}  // namespace diaryx::web
