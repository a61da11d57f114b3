// What the server answers over HTTP.
//
//   GET    /, /editor.js, …                  the editor; open to anybody who may speak to us
//   GET    /api/health                       "ok"; open
//   POST   /api/login   {"token": …}         → the session cookie; 401, 429; open
//   POST   /api/logout                       ends it; open
//   GET    /api/status                       →
//   {"version","workspace_id","epoch","root","files","pending","problems","watching","troubles",
//                                            "connections","peers","documents","http_connections","dropped_slow","read_only",
//                                            "write_back","started_ms","uptime_ms","shares"}
//   POST   /api/reconcile                    lists the disk, settles →
//                                            {"files","updated","deleted","written","left_out","skipped","elapsed_ms"}
//   POST   /api/flush                        writes what waits → {"pending":[path]}
//
// Without "open" in the list: the owner's, 401 for others. Errors: {"error","message"}
// (http_status.h).
#pragma once

#include <cstdint>
#include <string>

#include "engine/base/clock.h"
#include "web/attachments.h"
#include "web/auth.h"
#include "web/background.h"
#include "web/core_loop.h"
#include "web/http_router.h"
#include "web/transport.h"

namespace diaryx::web {

// What does not change while the server runs.
struct ServerFacts {
  std::string workspace_id;
  std::string epoch;
  std::string root_name;        // The folder's own name: where it lies is nobody's business.
  std::int64_t started_ms = 0;  // Wall.
  std::int64_t started_steady_ms = 0;
  bool write_back = true;
};

// All of it must outlive the router.
struct RouteParts {
  const ServerFacts& facts;
  const Clock& clock;
  Auth& auth;
  CoreLoop& core;
  const Transport& transport;
  Attachments& attachments;
  const WatchThread& watch;
};

void add_routes(HttpRouter& router, const RouteParts& parts);

// The most that may come as a body, by path and by who asks.
std::size_t max_body_bytes(std::string_view path, bool is_owner);

}  // namespace diaryx::web
