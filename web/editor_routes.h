// The editor as the browser gets it: embedded files in the form it likes best, and the headers that
// keep strangers' scripts out.
#pragma once

#include <span>
#include <string_view>

#include "web/assets.h"
#include "web/http_router.h"

namespace diaryx::web {

// GET / and each asset; without assets, a page that says how to get the editor.
void add_editor_routes(HttpRouter& router, std::span<const Asset> assets);

// GET /api/openapi.json. `documents`: api_documents(); lives as long as the process.
void add_document_routes(HttpRouter& router, std::span<const Asset> documents);

// Does an Accept-Encoding header allow this coding? "br;q=0" does not.
bool accepts_coding(std::string_view header, std::string_view coding);

}  // namespace diaryx::web
