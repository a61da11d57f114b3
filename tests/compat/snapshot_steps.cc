#include "tests/compat/snapshot_steps.h"

#include "engine/crdt/snapshot_view.h"
#include "tests/compat/edits.h"
#include "tests/compat/values.h"
#include "tests/compat/views.h"

namespace diaryx::compat {
namespace {

// Nobody else in the corpus has that client id.
constexpr std::uint64_t kRestoredClient = 900003;

// Snapshots are v1 unless the step says v2.
crdt::Snapshot snapshot_field(const OrderedJson& step, const char* key, bool v2 = false) {
  const Buffer bytes = need(to_bytes(step.at(key)));
  return need(v2 ? crdt::decode_snapshot_v2(bytes) : crdt::decode_snapshot_v1(bytes));
}

std::optional<crdt::Snapshot> optional_snapshot(const OrderedJson& step, const char* key) {
  if (!step.contains(key) || step.at(key).is_null()) return std::nullopt;
  return snapshot_field(step, key);
}

const crdt::Snapshot* pointer_to(const std::optional<crdt::Snapshot>& snapshot) {
  return snapshot ? &*snapshot : nullptr;
}

OrderedJson view_past(const crdt::PastValue& value) {
  if (const auto* type = std::get_if<crdt::TypeRef>(&value)) return view_type(*type);
  if (const auto* document = std::get_if<crdt::SubDocument>(&value))
    return view_document(*document);
  return from_any(std::get<codec::Any>(value));
}

void take(const Replica& replica, const OrderedJson& expected, Report& report) {
  const crdt::Snapshot snapshot = crdt::take_snapshot(*replica.doc);
  const Buffer v1 = crdt::encode_snapshot_v1(snapshot);
  const Buffer v2 = crdt::encode_snapshot_v2(snapshot);
  report.expect_bytes("v1", expected.at("v1"), v1);
  report.expect_bytes("v2", expected.at("v2"), v2);
  // What we write we read again.
  if (need(crdt::decode_snapshot_v1(v1)) != snapshot) report.fail("v1", "read anew");
  if (need(crdt::decode_snapshot_v2(v2)) != snapshot) report.fail("v2", "read anew");
}

void restore(DocumentSteps& documents, const OrderedJson& step, Report& report) {
  const Replica& from = documents.replica(step);
  const bool v2 = step.value("enc", "v1") == "v2";
  const crdt::Snapshot snapshot = snapshot_field(step, "bytes", v2);
  const Replica restored =
      make_replica({{"client", kRestoredClient}}, from.roots, documents.clean_formats());
  need(crdt::restore_snapshot(*from.doc, snapshot, *restored.doc));
  expect_document(restored, documents.expectation(step), report);
}

void look(const Replica& replica, const OrderedJson& step, const OrderedJson& expected,
          Report& report) {
  const auto op = step.at("op").get<std::string>();
  const crdt::TypeRef type = need(resolve_path(*replica.doc, replica.roots, step.at("at")));
  if (op == "snapshot.delta") {
    const auto snapshot = optional_snapshot(step, "snapshot");
    const auto previous = optional_snapshot(step, "prev");
    const auto delta = crdt::text_at(crdt::Text(type), pointer_to(snapshot), pointer_to(previous));
    return report.expect("delta", expected.at("delta"), view_delta(delta));
  }
  const crdt::Snapshot snapshot = snapshot_field(step, "snapshot");
  if (op == "snapshot.map") {
    std::vector<std::pair<std::string, OrderedJson>> members;
    for (const auto& [key, value] : crdt::map_at(crdt::Map(type), snapshot)) {
      members.emplace_back(key, view_past(value));
      const auto alone = crdt::map_value_at(crdt::Map(type), key, snapshot);
      if (!alone || view_past(*alone) != members.back().second)
        report.fail("value", "another one when asked for alone: " + key);
    }
    report.expect("json", expected.at("json"), view_object(members));
  } else {
    OrderedJson list = OrderedJson::array();
    for (const crdt::PastValue& value : crdt::array_at(crdt::Array(type), snapshot))
      list.push_back(view_past(value));
    report.expect("json", expected.at("json"), list);
  }
}

}  // namespace

bool run_snapshot_step(DocumentSteps& documents, const OrderedJson& step, Report& report) {
  const auto op = step.at("op").get<std::string>();
  if (op == "snapshot.take") {
    take(documents.replica(step), documents.expectation(step), report);
  } else if (op == "snapshot.restore") {
    restore(documents, step, report);
  } else if (op == "snapshot.delta" || op == "snapshot.map" || op == "snapshot.array") {
    const Replica& replica = documents.replica(step);
    const Buffer before = replica.doc->encode_state_as_update_v2();
    look(replica, step, documents.expectation(step), report);
    if (replica.doc->encode_state_as_update_v2() != before)
      report.fail("document", "changed by looking at it");
  } else if (op == "snapshot.equal") {
    report.expect("value", documents.expectation(step).at("value"),
                  snapshot_field(step, "a") == snapshot_field(step, "b"));
  } else if (op == "snapshot.contains") {
    const Buffer update = need(to_bytes(step.at("update")));
    const crdt::Snapshot snapshot = snapshot_field(step, "snapshot");
    const bool v2 = step.value("enc", "v1") == "v2";
    report.expect("value", documents.expectation(step).at("value"),
                  need(v2 ? crdt::snapshot_contains_update_v2(snapshot, update)
                          : crdt::snapshot_contains_update_v1(snapshot, update)));
  } else {
    return false;
  }
  return true;
}

}  // namespace diaryx::compat
