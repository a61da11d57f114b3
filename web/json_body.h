// What clients send as JSON.
#pragma once

#include <set>
#include <string>

#include "engine/base/json.h"
#include "engine/base/result.h"
#include "web/http_request.h"

namespace diaryx::web {

// The body as an object; no body is an empty one. InvalidArgument or Malformed.
Result<Json> read_object(const HttpRequest& request);
// The same with no other keys than these.
Result<Json> read_object(const HttpRequest& request, const std::set<std::string>& keys);

}  // namespace diaryx::web
