#include "web/json_body.h"

#include <string_view>
#include <utility>

namespace diaryx::web {

Result<Json> read_object(const HttpRequest& request) {
  auto body = parse_json(request.body.empty() ? std::string_view("{}") : request.body);
  if (!body) return std::move(body).error().with("body");
  if (!body->is_object())
    return Error{ErrorCode::InvalidArgument, "the body must be a JSON object"};
  return body;
}

Result<Json> read_object(const HttpRequest& request, const std::set<std::string>& keys) {
  DX_TRY(Json body, read_object(request));
  for (const auto& [key, value] : body.items()) {
    if (keys.contains(key)) continue;
    return Error{ErrorCode::InvalidArgument, "the body has no field \"" + key + "\""};
  }
  return body;
}

}  // namespace diaryx::web
