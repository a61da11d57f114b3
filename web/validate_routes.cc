#include "web/validate_routes.h"

#include <utility>

#include "engine/base/json.h"
#include "web/json_body.h"

namespace diaryx::web {
namespace {

OrderedJson report_json(const workspace::ValidateReport& report) {
  OrderedJson issues = OrderedJson::array();
  for (const workspace::Issue& issue : report.issues) issues.push_back(to_json(issue));
  return {{"ok", report.ok()},
          {"files", report.files},
          {"bodies", report.bodies},
          {"issues", std::move(issues)}};
}

Result<bool> read_flag(const Call& call, const char* name, std::optional<bool> otherwise) {
  DX_TRY(const Json body, read_object(call.request, {name}));
  const auto field = body.find(name);
  if (field == body.end() && otherwise) return *otherwise;
  if (field == body.end() || !field->is_boolean())
    return Error{ErrorCode::InvalidArgument, std::string(name) + ": must be true or false"};
  return field->get<bool>();
}

Result<OrderedJson> fix(const RouteParts& parts, const Call& call) {
  DX_TRY(const bool trial, read_flag(call, "dry_run", false));
  return parts.core.call([trial](Workspace& workspace) -> Result<OrderedJson> {
    DX_TRY(const sync::HealReport report, workspace.mend(trial));
    OrderedJson fixed = OrderedJson::array();
    for (const sync::Mended& mended : report.mended) fixed.push_back(to_json(mended));
    OrderedJson answer = report_json(report.left);
    answer["fixed"] = std::move(fixed);
    return answer;
  });
}

Result<OrderedJson> undo(const RouteParts& parts) {
  return parts.core.call([](Workspace& workspace) -> Result<OrderedJson> {
    DX_TRY(const sync::UndoReport report, workspace.undo_mending());
    return to_json(report);
  });
}

Result<OrderedJson> outcome(const RouteParts& parts, const Call& call) {
  DX_TRY(const bool good, read_flag(call, "good", std::nullopt));
  return parts.core.call([good](Workspace& workspace) -> Result<OrderedJson> {
    DX_TRY(const std::uint64_t failed, workspace.count_validation(good));
    return OrderedJson{{"failed_in_a_row", failed}};
  });
}

}  // namespace

void add_validate_routes(HttpRouter& router, const RouteParts& parts) {
  router.add("GET", "/api/validate", Door::Owner, [parts](const Call&) {
    return Reply::of(parts.core.call([](Workspace& workspace) -> Result<OrderedJson> {
      DX_TRY(const workspace::ValidateReport report, workspace.validate());
      return report_json(report);
    }));
  });
  router.add("POST", "/api/validate/fix", Door::Owner,
             [parts](const Call& call) { return Reply::of(fix(parts, call)); });
  router.add("POST", "/api/validate/undo", Door::Owner,
             [parts](const Call&) { return Reply::of(undo(parts)); });
  router.add("POST", "/api/validate/outcome", Door::Owner,
             [parts](const Call& call) { return Reply::of(outcome(parts, call)); });
}

}  // namespace diaryx::web
