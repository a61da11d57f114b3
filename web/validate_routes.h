// Validation over HTTP, and what follows from it.
//
//   GET   /api/validate           → {"ok","files","bodies","issues":[…]}; changes nothing
//   POST  /api/validate/fix       {"dry_run":bool} → the same with
//   "fixed":[{"kind","path","message"}] POST  /api/validate/undo      takes the last fix back →
//   {"time_ms","undone":[path],"kept":[path]};
//                                 404: there is none
//   POST  /api/validate/outcome   {"good":bool}: a validation that gated something was good, or was
//                                 not → {"failed_in_a_row"}
//
// All of it the owner's.
#pragma once

#include "web/routes.h"

namespace diaryx::web {

void add_validate_routes(HttpRouter& router, const RouteParts& parts);

}  // namespace diaryx::web
