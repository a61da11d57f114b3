// GET /api/metrics: what the server counts, as Prometheus reads it. The owner's, by token.
#pragma once

#include "web/background.h"
#include "web/http_router.h"
#include "web/metrics.h"
#include "web/routes.h"

namespace diaryx::web {

// All of it must outlive the router.
void add_metrics_routes(HttpRouter& router, const RouteParts& parts, const Metrics& metrics,
                        const DiskWorker& worker);

}  // namespace diaryx::web
