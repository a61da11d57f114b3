#include "tests/compat/awareness_steps.h"

#include "engine/codec/json_text.h"
#include "tests/compat/values.h"

namespace diaryx::compat {
namespace {

using protocol::Awareness;
using protocol::AwarenessChange;
using protocol::AwarenessEvents;

std::vector<std::uint64_t> clients_of(const OrderedJson& step) {
  return step.at("clients").get<std::vector<std::uint64_t>>();
}

// JavaScript emits no event if nothing is in it.
OrderedJson change_view(const AwarenessChange& change) {
  if (change.empty()) return nullptr;
  return {{"added", change.added}, {"updated", change.updated}, {"removed", change.removed}};
}

OrderedJson events_view(const AwarenessEvents& events) {
  return {{"update", change_view(events.update)}, {"change", change_view(events.change)}};
}

void expect_events(const OrderedJson& step, const Result<AwarenessEvents>& events, Report& report) {
  if (!events) return report.fail("call", events.error().message);
  report.expect("events", step.at("expect"), events_view(*events));
}

void expect_tick(const OrderedJson& step, const Awareness::Tick& tick, Report& report) {
  report.expect("events", step.at("expect"),
                {{"renewed", events_view(tick.renewed)}, {"removed", events_view(tick.removed)}});
}

Result<AwarenessEvents> set_local(Awareness& awareness, const OrderedJson& state,
                                  std::int64_t now_ms) {
  DX_TRY(const codec::Any value, to_any(state));
  return awareness.set_local(codec::to_js_json(value), now_ms);
}

// setLocalStateField of y-protocols: nothing if there is no state.
Result<AwarenessEvents> set_field(Awareness& awareness, std::uint64_t client,
                                  const OrderedJson& step, std::int64_t now_ms) {
  const auto& json = awareness.entries().at(client).state_json;
  if (!json) return AwarenessEvents{};
  DX_TRY(codec::Any state, codec::parse_js_json(*json));
  auto* object = state.get<codec::AnyObject>();
  if (object == nullptr) return Error{ErrorCode::InvalidArgument, "the state is no object"};
  DX_TRY(codec::Any value, to_any(step.at("value")));
  object->emplace_back(step.at("field").get<std::string>(), std::move(value));
  codec::normalise_keys(*object);
  return awareness.set_local(codec::to_js_json(state), now_ms);
}

}  // namespace

OrderedJson awareness_view(const Awareness& awareness) {
  OrderedJson states = OrderedJson::object();
  OrderedJson clocks = OrderedJson::object();
  for (const auto& [client, entry] : awareness.entries()) {
    clocks[std::to_string(client)] = entry.clock;
    if (!entry.state_json) continue;
    states[std::to_string(client)] = from_any(need(codec::parse_js_json(*entry.state_json)));
  }
  return {{"states", std::move(states)}, {"clocks", std::move(clocks)}};
}

bool AwarenessSteps::run(const OrderedJson& step, Report& report) {
  const auto op = step.at("op").get<std::string>();
  if (!op.starts_with("awareness.")) return false;
  const auto id = step.at("id").get<std::string>();
  const auto now_ms = step.value("now", std::int64_t{0});
  if (op == "awareness.new") {
    by_id_.insert_or_assign(id, Awareness(step.at("client").get<std::uint64_t>(), now_ms));
    locals_[id] = step.at("client").get<std::uint64_t>();
    return true;
  }
  Awareness& awareness = by_id_.at(id);
  if (op == "awareness.setLocal") {
    expect_events(step, set_local(awareness, step.at("state"), now_ms), report);
  } else if (op == "awareness.setField") {
    expect_events(step, set_field(awareness, locals_.at(id), step, now_ms), report);
  } else if (op == "awareness.apply") {
    const Buffer update = need(to_bytes(step.at("update")));
    expect_events(step, awareness.apply(update, now_ms), report);
  } else if (op == "awareness.remove") {
    expect_events(step, awareness.remove(clients_of(step), now_ms), report);
  } else if (op == "awareness.tick") {
    expect_tick(step, awareness.tick(now_ms), report);
  } else if (op == "awareness.encode") {
    report.expect_bytes("bytes", step.at("expect").at("bytes"), awareness.encode(clients_of(step)));
  } else if (op == "awareness.check") {
    report.expect("states", step.at("expect"), awareness_view(awareness));
  } else {
    report.unsupported(op);
  }
  return true;
}

}  // namespace diaryx::compat
