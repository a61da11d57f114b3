// Share sessions over HTTP. `/api/sessions` is the same as `/api/share/sessions`.
//
//   POST   /api/share/sessions        {"workspace_id"?, "read_only"?, "expires_in_s"?}
//                                     → {"code","workspace_id","read_only","expires_ms"}; owner
//   GET    /api/share/sessions        → {"sessions":[{"code","workspace_id","read_only",
//                                     "created_ms","expires_ms","guests"}]}; owner
//   GET    /api/share/sessions/CODE   → {"code","workspace_id","read_only","peer_count","epoch",
//                                     "root"}; 404 without a body, 429; open to anybody
//   PATCH  /api/share/sessions/CODE   {"read_only"} → {"code","read_only"}; owner
//   DELETE /api/share/sessions/CODE   204; its guests are sent away; owner
#pragma once

#include "web/http_router.h"
#include "web/routes.h"

namespace diaryx::web {

void add_share_routes(HttpRouter& router, const RouteParts& parts);

}  // namespace diaryx::web
