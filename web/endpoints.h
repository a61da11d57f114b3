// The WebSocket addresses, and what each asks for.
//
//   /sync2                                   many documents, named in every frame
//   /sync?doc=ID&token=…|session=CODE[&file=PATH|&multiplexed=true]
//                                            what Diaryx spoke before 0.11; refused with an HTTP
//                                            status where that one did: 400 neither session nor doc
//                                            and token, 401 token, 404 session or workspace
//   /ws/DOCUMENT                             y-websocket: one document
//   /hocuspocus                              Hocuspocus: the token may come in its first message
#pragma once

#include <optional>
#include <string>

#include "engine/sync/hub_types.h"
#include "web/http_request.h"

namespace diaryx::web {

// Nothing if there is no WebSocket at this address.
std::optional<sync::Endpoint> endpoint_of(const HttpRequest& request);

// Does the request name a workspace that is not this one? Only /sync does, by `doc`.
bool names_other_workspace(const HttpRequest& request, const std::string& workspace_id);

}  // namespace diaryx::web
