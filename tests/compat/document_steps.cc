#include "tests/compat/document_steps.h"

#include <fmt/format.h>

#include "engine/protocol/sync_message.h"
#include "tests/compat/edits.h"
#include "tests/compat/message_steps.h"
#include "tests/compat/sync_reply.h"
#include "tests/compat/values.h"

namespace diaryx::compat {
namespace {

bool is_v2(const OrderedJson& step) {
  return step.value("enc", "v1") == "v2";
}

}  // namespace

DocumentSteps::DocumentSteps(const CaseFile& kase) : case_(kase) {
  const OrderedJson roots = kase.json.value("roots", OrderedJson::object());
  for (const OrderedJson& spec : kase.json.value("replicas", OrderedJson::array())) {
    replicas_[spec.at("id").get<std::string>()] = std::make_unique<Replica>(spec, roots);
  }
}

Replica* DocumentSteps::usable(const OrderedJson& step, const char* field, Report& report) {
  Replica* replica = replicas_.at(step.at(field).get<std::string>()).get();
  if (replica->blocked().empty()) return replica;
  report.unsupported(replica->blocked());
  return nullptr;
}

bool DocumentSteps::run(const OrderedJson& step, std::size_t number, const OrderedJson& expected,
                        Report& report) {
  const auto op = step.at("op").get<std::string>();
  if (op == "transact") {
    transact(step, number, expected, report);
  } else if (op == "apply") {
    apply(step, expected, report);
  } else if (op == "applyMany") {
    apply_many(step, report);
  } else if (op == "sync") {
    sync(step, expected, report);
  } else if (op == "deliver") {
    deliver(step, expected, report);
  } else if (op == "encode") {
    encode(step, expected, report);
  } else if (op == "sync.step1" || op == "sync.step2") {
    write_message(step, expected, report);
  } else if (op == "sync.handle") {
    handle_message(step, expected, report);
  } else if (op == "check") {
    if (const Replica* replica = usable(step, "replica", report)) replica->check(expected, report);
  } else if (op == "declare") {
    Replica* replica = usable(step, "replica", report);
    if (replica == nullptr) return true;
    if (const auto declared = replica->declare(step.at("roots")); !declared)
      report.fail("declare", declared.error().message);
  } else if (op == "clientChanged") {
    const Replica* replica = usable(step, "replica", report);
    if (replica == nullptr) return true;
    report.expect("changed", expected.at("changed"),
                  replica->doc().client_id() != replica->client());
  } else {
    return false;
  }
  return true;
}

void DocumentSteps::transact(const OrderedJson& step, std::size_t number,
                             const OrderedJson& expected, Report& report) {
  Replica* replica = usable(step, "replica", report);
  if (replica == nullptr) return;
  const OrderedJson& ops = step.at("ops");
  Status done = check_edits(ops);
  if (done) {
    replica->doc().transact([&] {
      for (const OrderedJson& op : ops) {
        if (done) done = apply_edit(*replica, op);
      }
    });
  }
  if (!done && done.error().code == ErrorCode::Unsupported) {
    replica->block(done.error().message);
    return report.unsupported(done.error().message);
  }
  if (!done) return report.fail("edit", done.error().message);
  std::vector<Buffer> emitted = replica->take_emitted();
  emitted_by_step_[number] = emitted;
  OrderedJson list = OrderedJson::array();
  if (!expected.contains("emits")) return;
  if (emitted.size() != expected.at("emits").size()) {
    return report.fail("emits", fmt::format("{} updates instead of {}", emitted.size(),
                                            expected.at("emits").size()));
  }
  for (std::size_t i = 0; i < emitted.size(); ++i) {
    report.expect_bytes(fmt::format("emits[{}]", i), expected.at("emits").at(i).at("v1"),
                        emitted[i]);
    report.left_out_v2();
  }
}

// What a remote update makes a replica emit. If something waits now, when it is told is each
// engine's own business.
void DocumentSteps::check_emitted(Replica& replica, const OrderedJson& expected, Report& report) {
  const std::vector<Buffer> emitted = replica.take_emitted();
  if (replica.doc().has_pending() || !expected.is_object() || !expected.contains("emits")) return;
  const OrderedJson& wanted = expected.at("emits");
  if (emitted.size() != wanted.size()) {
    return report.fail("emits",
                       fmt::format("{} updates instead of {}", emitted.size(), wanted.size()));
  }
  for (std::size_t i = 0; i < emitted.size(); ++i) {
    report.expect_bytes(fmt::format("emits[{}]", i), wanted.at(i).at("v1"), emitted[i]);
    report.left_out_v2();
  }
}

void DocumentSteps::apply(const OrderedJson& step, const OrderedJson& expected, Report& report) {
  Replica* replica = usable(step, "replica", report);
  if (replica == nullptr) return;
  if (is_v2(step)) {
    replica->block("update v2");
    return report.unsupported("update v2");
  }
  const auto applied = replica->doc().apply_update(to_bytes(step.at("update")).value());
  if (!applied) return report.fail("apply", applied.error().message);
  check_emitted(*replica, expected, report);
}

void DocumentSteps::apply_many(const OrderedJson& step, Report& report) {
  Replica* replica = usable(step, "replica", report);
  if (replica == nullptr) return;
  const auto formats = case_.json.at("blob_enc").get<std::string>();
  const OrderedJson& blobs = case_.json.at("blobs");
  const auto numbers = step.at("blobs").get<std::vector<std::size_t>>();
  for (const std::size_t number : numbers) {
    if (formats.at(number) != '2') continue;
    replica->block("update v2");
    return report.unsupported("update v2");
  }
  Status applied;
  const auto apply_all = [&] {
    for (const std::size_t number : numbers) {
      if (applied) applied = replica->doc().apply_update(to_bytes(blobs.at(number)).value());
    }
  };
  if (step.value("batch", false)) {
    replica->doc().transact(apply_all);
  } else {
    apply_all();
  }
  if (!applied) report.fail("apply", applied.error().message);
  (void)replica->take_emitted();  // Nothing is expected of them.
}

void DocumentSteps::sync(const OrderedJson& step, const OrderedJson& expected, Report& report) {
  Replica* to = usable(step, "to", report);
  if (to == nullptr) return;
  const Replica* from = usable(step, "from", report);
  if (from == nullptr) {
    to->block(replicas_.at(step.at("from").get<std::string>())->blocked());
    return;
  }
  const auto update = step.value("full", false)
                          ? Result<Buffer>(from->doc().encode_state_as_update())
                          : from->doc().encode_state_as_update(to->doc().encode_state_vector());
  if (!update) return report.fail("encode", update.error().message);
  // In v2 the update holds the same, so the one in v1 does for it: unless v1 cannot hold it.
  if (is_v2(step) && from->has_lone_surrogate()) {
    to->block("update v2");
    return report.unsupported("update v2");
  }
  if (is_v2(step)) {
    report.left_out_v2();
  } else if (expected.contains("update")) {
    report.expect_bytes("update", expected.at("update"), *update);
  }
  const auto applied = to->doc().apply_update(*update);
  if (!applied) return report.fail("apply", applied.error().message);
  check_emitted(*to, expected, report);
}

void DocumentSteps::deliver(const OrderedJson& step, const OrderedJson& expected, Report& report) {
  Replica* to = usable(step, "to", report);
  if (to == nullptr) return;
  const auto emitted = emitted_by_step_.find(step.at("from_step").get<std::size_t>());
  if (emitted == emitted_by_step_.end()) {
    to->block("what the sender lacks");
    return report.unsupported("what the sender lacks");
  }
  if (is_v2(step)) report.left_out_v2();
  for (const Buffer& update : emitted->second) {
    if (const auto applied = to->doc().apply_update(update); !applied)
      return report.fail("apply", applied.error().message);
  }
  check_emitted(*to, expected, report);
}

void DocumentSteps::encode(const OrderedJson& step, const OrderedJson& expected, Report& report) {
  const Replica* replica = usable(step, "replica", report);
  if (replica == nullptr) return;
  const auto update = replica->doc().encode_state_as_update(to_bytes(step.at("sv")).value());
  if (!update) return report.fail("encode", update.error().message);
  report.expect_bytes("v1", expected.at("v1"), *update);
  report.left_out_v2();
}

void DocumentSteps::write_message(const OrderedJson& step, const OrderedJson& expected,
                                  Report& report) {
  const Replica* replica = usable(step, "replica", report);
  if (replica == nullptr) return;
  Buffer message;
  if (step.at("op") == "sync.step1") {
    protocol::write_sync_step1(message, replica->doc().encode_state_vector());
  } else if (step.contains("sv")) {
    const auto update = replica->doc().encode_state_as_update(to_bytes(step.at("sv")).value());
    if (!update) return report.fail("encode", update.error().message);
    protocol::write_sync_step2(message, *update);
  } else {
    protocol::write_sync_step2(message, replica->doc().encode_state_as_update());
  }
  report.expect_bytes("message", expected.at("message"), without_envelope(message));
}

void DocumentSteps::handle_message(const OrderedJson& step, const OrderedJson& expected,
                                   Report& report) {
  Replica* replica = usable(step, "replica", report);
  if (replica == nullptr) return;
  const auto reply = handle_sync_message(replica->doc(), to_bytes(step.at("message")).value());
  report.expect("error", expected.at("error"), !reply.has_value());
  if (reply) {
    report.expect("type", expected.at("type"), reply->type);
    if (expected.at("reply").is_null() != reply->message.empty()) {
      report.fail("reply", reply->message.empty() ? "none" : "one that is not expected");
    } else if (!reply->message.empty()) {
      report.expect_bytes("reply", expected.at("reply"), reply->message);
    }
  }
  check_emitted(*replica, expected, report);
}

}  // namespace diaryx::compat
