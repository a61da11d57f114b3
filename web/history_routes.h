// git as far as the API shows it: what was committed, and to commit.
//
//   GET  /api/history[?path=PATH][&limit=N][&before=COMMIT]
//   POST /api/commit  {"message", "author", "skip_validation"}
#pragma once

#include <filesystem>

#include "web/http_router.h"
#include "web/routes.h"

namespace diaryx::web {

void add_history_routes(HttpRouter& router, const RouteParts& parts,
                        const std::filesystem::path& root);

}  // namespace diaryx::web
