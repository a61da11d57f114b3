#include "web/routes.h"

#include <utility>

#include "engine/base/json.h"
#include "web/editor_routes.h"
#include "web/http_status.h"

namespace diaryx::web {
namespace {

// How long a request may wait for disk and documents to settle.
constexpr std::int64_t kSettleMs = 10 * 60 * 1000;
// The rest is in `problems`, which counts them, and in what `validate` finds.
constexpr std::size_t kTroublesShown = 100;
constexpr std::size_t kLoginBytes = 4U << 10U;
constexpr std::size_t kStrangerBytes = 64U << 10U;
constexpr std::size_t kOwnerBytes = 16U << 20U;

OrderedJson report_json(const ReconcileReport& report) {
  OrderedJson skipped = OrderedJson::array();
  for (const auto& [path, reason] : report.skipped)
    skipped.push_back({{"path", path}, {"reason", reason}});
  return {{"files", report.files},          {"updated", report.updated},
          {"deleted", report.deleted},      {"written", report.written},
          {"left_out", report.left_out},    {"skipped", skipped},
          {"elapsed_ms", report.elapsed_ms}};
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
  Reply reply = Reply::of(OrderedJson{{"ok", true}});
  reply.fields.emplace_back("Set-Cookie", auth.set_cookie(session));
  return reply;
}

Reply log_out(Auth& auth, const Call& call) {
  auth.log_out(call.request.field("cookie").value_or(""));
  Reply reply = Reply::of(OrderedJson{{"ok", true}});
  reply.fields.emplace_back("Set-Cookie", auth.set_cookie({}));
  return reply;
}

OrderedJson text_or_null(const std::string& text) {
  return text.empty() ? OrderedJson(nullptr) : OrderedJson(text);
}

OrderedJson watching_json(const filesystem::WatchState& state) {
  return {{"mode", filesystem::to_string(state.mode)},
          {"message", text_or_null(state.message)},
          {"hint", text_or_null(state.hint)}};
}

// "a.md: permission denied" → "permission denied": where it is stands beside it.
std::string without_path(const std::string& message, const std::string& path) {
  return message.starts_with(path + ": ") ? message.substr(path.size() + 2) : message;
}

OrderedJson troubles_json(const Workspace& workspace) {
  OrderedJson out = OrderedJson::array();
  for (const Workspace::Trouble& trouble : workspace.troubles()) {
    if (out.size() == kTroublesShown) break;
    out.push_back({{"path", trouble.path},
                   {"message", without_path(trouble.message, trouble.path)},
                   {"unsaved", trouble.unsaved}});
  }
  return out;
}

OrderedJson attachments_json(const sync::AttachmentIndex::Totals& totals) {
  return {{"files", totals.files}, {"bytes", totals.bytes}, {"not_indexed", totals.not_indexed}};
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
      {"attachments", attachments_json(workspace.disk().attachments().totals())},
      {"pending", pending},
      {"problems", workspace.problems().size()},
      {"watching", watching_json(parts.watch.state())},
      {"troubles", troubles_json(workspace)},
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
  return Reply::of(report_json(*after));
}

Reply flush(const RouteParts& parts) {
  if (const auto settled = parts.core.settle(false, kSettleMs); !settled)
    return Reply::error(settled.error());
  return Reply::of(parts.core.call([](Workspace& workspace) -> Result<OrderedJson> {
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
    return Reply::of(
        parts.core.call([parts](Workspace& workspace) { return status_json(parts, workspace); }));
  });
  router.add("POST", "/api/reconcile", Door::Owner,
             [parts](const Call&) { return reconcile(parts); });
  router.add("POST", "/api/flush", Door::Owner, [parts](const Call&) { return flush(parts); });
  router.add("GET", "/(?:sync2?|hocuspocus|ws/.+)", Door::Open, [](const Call&) {
    Reply reply = Reply::error(426);
    reply.fields.emplace_back("Upgrade", "websocket");
    return reply;
  });
}

}  // namespace diaryx::web
