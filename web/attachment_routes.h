// Files of the workspace that are no notes: attachments.h has the rules.
//
//   GET    /attachments/PATH       as the editor's pages name them; the same as
//   GET    /api/attachments/PATH
//   PUT    /api/attachments/PATH   the body is the file; it goes to disk while it arrives
//   DELETE /api/attachments/PATH
//   GET    /api/attachments        what there is
#pragma once

#include <functional>

#include "web/http_router.h"
#include "web/routes.h"
#include "web/transport.h"

namespace diaryx::web {

void add_attachment_routes(HttpRouter& router, const RouteParts& parts);

// The head of a request has been read: is its body a file to be? Then the verdict says where it
// goes, or why not. `run` has a task done on a handler's thread. On the net thread.
void judge_upload(const HttpRequest& request, Attachments& attachments, std::uint64_t max_bytes,
                  const std::function<void(std::function<void()>)>& run, HeadVerdict& verdict);

}  // namespace diaryx::web
