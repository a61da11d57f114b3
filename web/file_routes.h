// The workspace's notes as a list and one by one: what they are called, where they are, who is
// whose parent. Their octets are raw_routes.h's.
//
//   GET    /api/files[?include_deleted=1]
//   POST   /api/files
//   GET    /api/files/ID, /api/files/by-path/PATH
//   PATCH  /api/files/ID
//   DELETE /api/files/ID
//   POST   /api/files/ID/restore
//
// docs/openapi.json says what each takes and answers.
#pragma once

#include <string>

#include "engine/base/json.h"
#include "engine/engine.h"
#include "web/http_router.h"
#include "web/routes.h"

namespace diaryx::web {

void add_file_routes(HttpRouter& router, const RouteParts& parts);

// One note as the API shows it. On the core's thread.
Result<OrderedJson> note_json(Workspace& workspace, const std::string& id);

}  // namespace diaryx::web
