#include "web/share_routes.h"

#include <utility>

#include "engine/base/json.h"
#include "web/json_body.h"

namespace diaryx::web {
namespace {

constexpr std::int64_t kLongestShareS = 366LL * 24 * 60 * 60;
const char* const kSessions = "/api/(?:share/)?sessions";
const char* const kSession = "/api/(?:share/)?sessions/([^/]+)";

struct NewShare {
  bool read_only = false;
  std::int64_t lifetime_ms = 0;
};

Result<bool> flag(const Json& body, const char* name, bool otherwise) {
  const auto field = body.find(name);
  if (field == body.end()) return otherwise;
  if (!field->is_boolean())
    return Error{ErrorCode::InvalidArgument, std::string(name) + " is neither true nor false"};
  return field->get<bool>();
}

Result<NewShare> new_share(const Call& call, const ServerFacts& facts) {
  DX_TRY(const Json body, read_object(call.request));
  if (const auto workspace = body.find("workspace_id");
      workspace != body.end() && *workspace != facts.workspace_id) {
    return Error{ErrorCode::NotAllowed, "another workspace is served here"};
  }
  NewShare share;
  DX_TRY(share.read_only, flag(body, "read_only", false));
  if (const auto expires = body.find("expires_in_s");
      expires != body.end() && !expires->is_null()) {
    if (!expires->is_number_integer() || *expires < 1 || *expires > kLongestShareS) {
      return Error{
          ErrorCode::InvalidArgument,
          "expires_in_s is no whole number of seconds from 1 to " + std::to_string(kLongestShareS)};
    }
    share.lifetime_ms = expires->get<std::int64_t>() * 1000;
  }
  return share;
}

OrderedJson facts_of(const sync::Share& share, const ServerFacts& facts) {
  return {
      {"code", share.code},
      {"workspace_id", facts.workspace_id},
      {"read_only", share.read_only},
      {"created_ms", share.created_ms},
      {"expires_ms", share.expires_ms == 0 ? OrderedJson(nullptr) : OrderedJson(share.expires_ms)}};
}

Reply create(const RouteParts& parts, const Call& call) {
  const auto wanted = new_share(call, parts.facts);
  if (!wanted) return Reply::error(wanted.error());
  return Reply::of(parts.core.call([&](Workspace& workspace) -> Result<OrderedJson> {
    DX_TRY(const sync::Share share,
           workspace.hub().create_share(wanted->read_only, wanted->lifetime_ms));
    return facts_of(share, parts.facts);
  }));
}

Reply list(const RouteParts& parts) {
  return Reply::of(parts.core.call([&](Workspace& workspace) -> Result<OrderedJson> {
    OrderedJson sessions = OrderedJson::array();
    for (const sync::Share& share : workspace.hub().shares().all()) {
      if (share.expired(parts.clock.wall_ms())) continue;
      OrderedJson row = facts_of(share, parts.facts);
      row["guests"] = workspace.hub().guests(share.code);
      sessions.push_back(std::move(row));
    }
    return OrderedJson{{"sessions", std::move(sessions)}};
  }));
}

Reply look_up(const RouteParts& parts, const Call& call) {
  sync::Share share;
  switch (parts.auth.find_share(call.parts.at(0), call.peer.address, share)) {
    case Auth::Answer::Yes:
      break;
    case Auth::Answer::No:
      return {.status = 404};
    case Auth::Answer::TooMany:
      return Reply::error(429);
  }
  return Reply::of(parts.core.call([&](Workspace& workspace) -> Result<OrderedJson> {
    return OrderedJson{{"code", share.code},           {"workspace_id", parts.facts.workspace_id},
                       {"read_only", share.read_only}, {"peer_count", workspace.hub().peers()},
                       {"epoch", parts.facts.epoch},   {"root", parts.facts.root_name}};
  }));
}

Reply change(const RouteParts& parts, const Call& call) {
  const auto body = read_object(call.request);
  if (!body) return Reply::error(body.error());
  if (!body->contains("read_only")) return Reply::error(400, "read_only is missing");
  const auto read_only = flag(*body, "read_only", false);
  if (!read_only) return Reply::error(read_only.error());
  return Reply::of(parts.core.call([&](Workspace& workspace) -> Result<OrderedJson> {
    DX_TRY(const sync::Share share,
           workspace.hub().set_share_read_only(call.parts.at(0), *read_only));
    return OrderedJson{{"code", share.code}, {"read_only", share.read_only}};
  }));
}

Reply end(const RouteParts& parts, const Call& call) {
  const auto ended = parts.core.call([&](Workspace& workspace) -> Result<bool> {
    DX_TRY_OK(workspace.hub().end_share(call.parts.at(0)));
    return true;
  });
  if (!ended) return Reply::error(ended.error());
  return {.status = 204};
}

}  // namespace

void add_share_routes(HttpRouter& router, const RouteParts& parts) {
  router.add("POST", kSessions, Door::Owner,
             [parts](const Call& call) { return create(parts, call); });
  router.add("GET", kSessions, Door::Owner, [parts](const Call&) { return list(parts); });
  router.add("GET", kSession, Door::Open,
             [parts](const Call& call) { return look_up(parts, call); });
  router.add("PATCH", kSession, Door::Owner,
             [parts](const Call& call) { return change(parts, call); });
  router.add("DELETE", kSession, Door::Owner,
             [parts](const Call& call) { return end(parts, call); });
}

}  // namespace diaryx::web
