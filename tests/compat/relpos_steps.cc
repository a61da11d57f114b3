#include "tests/compat/relpos_steps.h"

#include "engine/crdt/edit/position.h"
#include "engine/crdt/relative_position.h"
#include "tests/compat/edits.h"
#include "tests/compat/values.h"

namespace diaryx::compat {
namespace {

// From the root to a type: its name, then a key, an index or {"deleted": true} per level.
OrderedJson view_path(crdt::TypeRef type) {
  const crdt::State& state = type.doc->state();
  std::vector<OrderedJson> steps;
  crdt::BranchIx branch = type.branch;
  while (!state.branches[branch].is_root()) {
    const crdt::ItemIx ix = state.store.item_at(state.branches[branch].owner);
    const crdt::Item& item = state.items[ix];
    if (item.parent_sub != crdt::kNone) {
      steps.push_back(from_text(state.keys[item.parent_sub]));
    } else if (item.deleted()) {
      steps.push_back({{"deleted", true}});
    } else {
      steps.emplace_back(crdt::index_of(state, ix));
    }
    branch = item.parent;
  }
  steps.push_back(from_text(state.keys[state.branches[branch].name]));
  return OrderedJson(std::vector<OrderedJson>(steps.rbegin(), steps.rend()));
}

OrderedJson view_position(const std::optional<crdt::AbsolutePosition>& position) {
  if (!position) return nullptr;
  return {
      {"type", view_path(position->type)}, {"index", position->index}, {"assoc", position->assoc}};
}

void create(const Replica& replica, const OrderedJson& step, const OrderedJson& expected,
            Report& report) {
  const crdt::TypeRef type = need(resolve_path(*replica.doc, replica.roots, step.at("at")));
  const crdt::RelativePosition position = crdt::create_relative_position(
      type, step.at("index").get<std::uint64_t>(), step.value("assoc", std::int64_t{0}));
  const Buffer bytes = crdt::encode_relative_position(position);
  report.expect_bytes("bytes", expected.at("bytes"), bytes);
  const codec::Any json = crdt::relative_position_to_json(position);
  report.expect("json", expected.at("json"), from_any(json));
  // What we write we read again.
  if (need(crdt::relative_position_from_json(json)) != position) report.fail("json", "read anew");
  const crdt::RelativePosition read = need(crdt::decode_relative_position(bytes));
  if (crdt::encode_relative_position(read) != bytes) report.fail("bytes", "read anew");
}

}  // namespace

bool run_relpos_step(DocumentSteps& documents, const OrderedJson& step, Report& report) {
  const auto op = step.at("op").get<std::string>();
  if (op == "relpos.create") {
    create(documents.replica(step), step, documents.expectation(step), report);
  } else if (op == "relpos.resolve") {
    const auto position = need(crdt::decode_relative_position(need(to_bytes(step.at("bytes")))));
    report.expect(
        "pos", documents.expectation(step).at("pos"),
        view_position(crdt::resolve_relative_position(*documents.replica(step).doc, position)));
  } else if (op == "relpos.fromJson") {
    const auto position = need(crdt::relative_position_from_json(need(to_any(step.at("json")))));
    report.expect_bytes("bytes", documents.expectation(step).at("bytes"),
                        crdt::encode_relative_position(position));
  } else {
    return false;
  }
  return true;
}

}  // namespace diaryx::compat
