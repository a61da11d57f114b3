#include "web/routes.h"

#include <utility>

#include "engine/base/json.h"
#include "web/editor_routes.h"
#include "web/http_status.h"

namespace diaryx::web {
namespace {

// How long a request may wait for disk and documents to settle.
constexpr std::int64_t kSettleMs = 10 * 60 * 1000;
constexpr std::size_t kLoginBytes = 4U << 10U;
constexpr std::size_t kStrangerBytes = 64U << 10U;
constexpr std::size_t kOwnerBytes = 16U << 20U;

Reply json(const OrderedJson& value) {
  return Reply::json(200, dump_json(value));
}

template <class T>
Reply json_or_error(const Result<T>& result) {
  return result ? json(*result) : Reply::error(result.error());
}

OrderedJson report_json(const ReconcileReport& report) {
  OrderedJson skipped = OrderedJson::array();
  for (const auto& [path, reason] : report.skipped)
    skipped.push_back({{"path", path}, {"reason", reason}});
  return {{"files", report.files},     {"updated", report.updated},
          {"deleted", report.deleted}, {"written", report.written},
          {"skipped", skipped},        {"elapsed_ms", report.elapsed_ms}};
}

Reply log_in(Auth& auth, const Call& call) {
  const auto body = parse_json(call.request.body);
  if (!body || !body->is_object() || !body->contains("token") || !(*body)["token"].is_string()) {
    return Reply::error(400, "the body must be {\"token\": \"…\"}");
  }
  std::string session;
  switch (auth.log_in((*body)["token"].get_ref<const std::string&>(), call.peer.address, session)) {
    case Auth::Answer::Yes:
      break;
    case Auth::Answer::No:
      return Reply::error(401, "this token is not the one that the server printed");
    case Auth::Answer::TooMany:
      return Reply::error(429);
  }
  Reply reply = json({{"ok", true}});
  reply.fields.emplace_back("Set-Cookie", auth.set_cookie(session));
  return reply;
}

Reply log_out(Auth& auth, const Call& call) {
  auth.log_out(call.request.field("cookie").value_or(""));
  Reply reply = json({{"ok", true}});
  reply.fields.emplace_back("Set-Cookie", auth.set_cookie({}));
  return reply;
}

Result<OrderedJson> status_json(const RouteParts& parts, Workspace& workspace) {
  DX_TRY(const auto pending, workspace.pending());
  const ServerFacts& facts = parts.facts;
  return OrderedJson{
      {"version", DIARYX_VERSION},
      {"workspace_id", facts.workspace_id},
      {"epoch", facts.epoch},
      {"root", facts.root_name},
      {"files", workspace.report().files},
      {"pending", pending},
      {"problems", workspace.problems().size()},
      {"connections", workspace.hub().connections()},
      {"peers", workspace.hub().peers()},
      {"documents", workspace.hub().open_documents()},
      {"http_connections", parts.transport.open_connections() - parts.transport.open_websockets()},
      {"dropped_slow", parts.transport.dropped_slow()},
      {"read_only", false},
      {"write_back", facts.write_back},
      {"started_ms", facts.started_ms},
      {"uptime_ms", parts.clock.steady_ms() - facts.started_steady_ms},
      {"shares", workspace.hub().shares().all().size()}};
}

OrderedJson files_json(const ServerFacts& facts, const Workspace& workspace, bool include_deleted) {
  OrderedJson files = OrderedJson::array();
  for (FileSummary& file : workspace.files(include_deleted)) {
    OrderedJson row;
    row["id"] = std::move(file.id);
    row["path"] = std::move(file.path);
    row["metadata"] = std::move(file.metadata);
    files.push_back(std::move(row));
  }
  return {
      {"workspace_id", facts.workspace_id}, {"epoch", facts.epoch}, {"files", std::move(files)}};
}

Result<OrderedJson> validate_json(Workspace& workspace) {
  DX_TRY(const workspace::ValidateReport report, workspace.validate());
  OrderedJson issues = OrderedJson::array();
  for (const workspace::Issue& issue : report.issues) {
    issues.push_back({{"kind", workspace::to_string(issue.kind)},
                      {"severity", workspace::to_string(issue.severity)},
                      {"path", issue.path},
                      {"key", issue.key},
                      {"message", issue.message}});
  }
  return OrderedJson{{"ok", report.ok()},
                     {"files", report.files},
                     {"bodies", report.bodies},
                     {"issues", std::move(issues)}};
}

Reply reconcile(const RouteParts& parts) {
  const auto take_report = [](Workspace& workspace) { return workspace.report(); };
  const std::int64_t start = parts.clock.steady_ms();
  const auto before = parts.core.call(take_report);
  if (!before) return Reply::error(before.error());
  if (const auto settled = parts.core.settle(true, kSettleMs); !settled)
    return Reply::error(settled.error());
  auto after = parts.core.call(take_report);
  if (!after) return Reply::error(after.error());
  // The workspace counts from the moment it was opened; asked for is what this call did.
  after->updated -= before->updated;
  after->deleted -= before->deleted;
  after->written -= before->written;
  after->elapsed_ms = parts.clock.steady_ms() - start;
  return json(report_json(*after));
}

Reply flush(const RouteParts& parts) {
  if (const auto settled = parts.core.settle(false, kSettleMs); !settled)
    return Reply::error(settled.error());
  return json_or_error(parts.core.call([](Workspace& workspace) -> Result<OrderedJson> {
    DX_TRY(const auto pending, workspace.pending());
    return OrderedJson{{"pending", pending}};
  }));
}

}  // namespace

std::size_t max_body_bytes(std::string_view path, bool is_owner) {
  if (path == "/api/login") return kLoginBytes;
  return is_owner ? kOwnerBytes : kStrangerBytes;
}

void add_routes(HttpRouter& router, const RouteParts& parts) {
  router.add("GET", "/api/health", Door::Open, [](const Call&) { return Reply::text(200, "ok"); });
  router.add("POST", "/api/login", Door::Open,
             [parts](const Call& call) { return log_in(parts.auth, call); });
  router.add("POST", "/api/logout", Door::Open,
             [parts](const Call& call) { return log_out(parts.auth, call); });
  router.add("GET", "/api/status", Door::Owner, [parts](const Call&) {
    return json_or_error(
        parts.core.call([parts](Workspace& workspace) { return status_json(parts, workspace); }));
  });
  router.add("GET", "/api/files", Door::Owner, [parts](const Call& call) {
    const bool include_deleted = call.request.query("include_deleted").value_or("0") == "1";
    return json_or_error(parts.core.call([parts, include_deleted](Workspace& workspace) {
      return files_json(parts.facts, workspace, include_deleted);
    }));
  });
  router.add("GET", "/api/validate", Door::Owner,
             [parts](const Call&) { return json_or_error(parts.core.call(validate_json)); });
  router.add("POST", "/api/reconcile", Door::Owner,
             [parts](const Call&) { return reconcile(parts); });
  router.add("POST", "/api/flush", Door::Owner, [parts](const Call&) { return flush(parts); });
  router.add("GET", "/(?:sync2?|hocuspocus|ws/.+)", Door::Open, [](const Call&) {
    Reply reply = Reply::error(426);
    reply.fields.emplace_back("Upgrade", "websocket");
    return reply;
  });
  router.add("GET", "/attachments/(.+)", Door::Owner, [parts](const Call& call) {
    return parts.attachments.get(call.parts.at(0), call.request);
  });
}

}  // namespace diaryx::web
