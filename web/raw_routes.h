// The octets of notes, header and all, as they are on disk or will be a moment later.
//
//   GET, PUT  /api/raw/PATH
//   GET, PUT  /api/files/ID/raw
//
// What is PUT goes through the live document: it becomes the smallest edits that lead there, so
// that open editors keep their cursors, and what others do at the same time stays. It needs
// If-Match where there is a note already.
#pragma once

#include "web/http_router.h"
#include "web/routes.h"

namespace diaryx::web {

void add_raw_routes(HttpRouter& router, const RouteParts& parts);

}  // namespace diaryx::web
