#include "tests/compat/document_steps.h"

#include "engine/base/base64.h"
#include "engine/protocol/sync_message.h"
#include "tests/compat/edits.h"
#include "tests/compat/gaps.h"
#include "tests/compat/message_steps.h"
#include "tests/compat/sync_reply.h"
#include "tests/compat/values.h"
#include "tests/compat/views.h"

namespace diaryx::compat {
namespace {

Buffer bytes_field(const OrderedJson& step, const char* key) {
  return need(to_bytes(step.at(key)));
}

std::string format_of(const OrderedJson& step) {
  return step.value("enc", "v1");
}

const Buffer kNothingKnown = {0};  // A state vector.

Buffer encode_state(const crdt::Doc& doc, std::string_view format, Bytes known) {
  return need(format == "v2" ? doc.encode_state_as_update_v2(known)
                             : doc.encode_state_as_update(known));
}

void expect_member_bytes(const OrderedJson& expected, const char* name, Bytes got, Report& report) {
  if (expected.contains(name)) report.expect_bytes(name, expected.at(name), got);
}

// The same for a part of a document, of which the corpus has no form with joined GC structs.
void expect_member_update(const OrderedJson& expected, const char* name, Bytes got, bool v2,
                          Report& report) {
  if (!expected.contains(name)) return;
  if (expected.at(name).is_string() &&
      same_but_for_gaps(need(to_bytes(expected.at(name))), got, v2))
    return;
  report.expect_bytes(name, expected.at(name), got);
}

}  // namespace

Replica make_replica(const OrderedJson& description, const OrderedJson& roots, bool clean_formats) {
  Replica replica;
  replica.client = description.at("client").get<std::uint64_t>();
  crdt::DocOptions options{.client_id = replica.client};
  options.gc = description.value("gc", true);
  options.clean_formats = clean_formats;
  replica.doc = std::make_unique<crdt::Doc>(options);
  if (description.value("declare", true)) {
    replica.roots = roots;
    DX_CHECK(declare_roots(*replica.doc, roots));
  }
  return replica;
}

void expect_document(const Replica& replica, const OrderedJson& expected, Report& report) {
  if (const Status right = replica.doc->check_invariants(); !right)
    report.fail("invariants", right.error().message);
  // What Yjs has applied while parts are missing is its own business.
  if (expected.contains("pending")) return;
  if (replica.doc->has_pending()) report.fail("pending", "something waits, in Yjs nothing does");
  const Buffer state_vector = replica.doc->encode_state_vector();
  if (expected.contains("roots")) {
    report.expect("roots", expected.at("roots"), view_roots(*replica.doc, replica.roots));
  }
  if (expected.contains("sv"))
    report.expect("sv", expected.at("sv"), view_state_vector(state_vector));
  expect_member_bytes(expected, "sv_bytes", state_vector, report);
  // Neighbouring GC structs are always merged here; where Yjs left some unmerged, the corpus says
  // so.
  const char* v1 = expected.contains("v1_gcnorm") ? "v1_gcnorm" : "v1";
  expect_member_bytes(expected, v1, replica.doc->encode_state_as_update(), report);
  const char* v2 = expected.contains("v2_gcnorm") ? "v2_gcnorm" : "v2";
  expect_member_bytes(expected, v2, replica.doc->encode_state_as_update_v2(), report);
}

DocumentSteps::DocumentSteps(const CaseFile& kase, bool clean_formats)
    : case_(kase), clean_formats_(clean_formats) {
  if (!kase.json.contains("replicas")) return;
  const OrderedJson roots = kase.json.value("roots", OrderedJson::object());
  for (const OrderedJson& description : kase.json.at("replicas")) {
    Replica& replica = replicas_[description.at("id").get<std::string>()];
    replica = make_replica(description, roots, clean_formats);
    replica.doc->observe([&replica](const crdt::TransactionSummary& summary) {
      if (!summary.update.empty())
        replica.emitted.push_back({to_buffer(summary.update), summary.update_v2()});
    });
  }
}

Replica& DocumentSteps::replica(const OrderedJson& step, const char* member) {
  return replicas_.at(step.at(member).get<std::string>());
}

// Without the clean-up of formats after remote transactions a few things are different.
const OrderedJson& DocumentSteps::expectation(const OrderedJson& step) const {
  if (step.contains("expect_ref"))
    return expectation(case_.steps().at(step.at("expect_ref").get<std::size_t>()));
  return step.at(!clean_formats_ && step.contains("expect_nocleanup") ? "expect_nocleanup"
                                                                      : "expect");
}

bool DocumentSteps::apply_bytes(Replica& replica, std::string_view format, Bytes update,
                                Report& report) {
  const Status applied =
      format == "v2" ? replica.doc->apply_update_v2(update) : replica.doc->apply_update(update);
  if (!applied) report.fail("apply", applied.error().message);
  return applied.has_value();
}

void DocumentSteps::expect_emits(Replica& replica, const OrderedJson& expected, Report& report) {
  std::vector<Emitted>& got = emitted_by_step_[number_];
  got.insert(got.end(), replica.emitted.begin(), replica.emitted.end());
  const std::vector<Emitted> emitted = std::exchange(replica.emitted, {});
  if (!expected.contains("emits") || replica.doc->has_pending()) return;
  const OrderedJson& wanted = expected.at("emits");
  if (wanted.size() != emitted.size()) {
    report.fail("emits",
                std::to_string(emitted.size()) + " instead of " + std::to_string(wanted.size()));
    return;
  }
  for (std::size_t i = 0; i < emitted.size(); ++i) {
    expect_member_update(wanted[i], "v1", emitted[i].v1, false, report);
    expect_member_update(wanted[i], "v2", emitted[i].v2, true, report);
  }
}

void DocumentSteps::transact(const OrderedJson& step, Report& report) {
  Replica& target = replica(step);
  target.doc->transact([&] {
    for (const OrderedJson& op : step.at("ops")) {
      if (const Status done = run_edit(*target.doc, target.roots, op); !done) {
        report.fail(op.at("do").get<std::string>(), done.error().message);
      }
    }
  });
  expect_emits(target, expectation(step), report);
}

void DocumentSteps::apply(const OrderedJson& step, Report& report) {
  Replica& target = replica(step);
  if (!apply_bytes(target, format_of(step), bytes_field(step, "update"), report)) return;
  if (step.value("emits", false)) {
    expect_emits(target, expectation(step), report);
  } else {
    expect_emits(target, OrderedJson::object(), report);
  }
}

void DocumentSteps::apply_many(const OrderedJson& step, Report& report) {
  Replica& target = replica(step);
  const auto formats = case_.json.at("blob_enc").get<std::string>();
  const auto all = [&] {
    for (const OrderedJson& blob : step.at("blobs")) {
      const auto ix = blob.get<std::size_t>();
      const Buffer update = need(to_bytes(case_.json.at("blobs").at(ix)));
      if (!apply_bytes(target, formats[ix] == '2' ? "v2" : "v1", update, report)) return;
    }
  };
  if (step.value("batch", false)) {
    target.doc->transact(all);
  } else {
    all();
  }
  target.emitted.clear();
}

void DocumentSteps::sync(const OrderedJson& step, Report& report) {
  Replica& from = replica(step, "from");
  Replica& to = replica(step, "to");
  const std::string format = format_of(step);
  const Buffer update = encode_state(
      *from.doc, format, step.value("full", false) ? kNothingKnown : to.doc->encode_state_vector());
  const OrderedJson& expected = expectation(step);
  if (!from.doc->has_pending())
    expect_member_update(expected, "update", update, format == "v2", report);
  if (apply_bytes(to, format, update, report)) expect_emits(to, expected, report);
}

void DocumentSteps::deliver(const OrderedJson& step, Report& report) {
  Replica& to = replica(step, "to");
  for (const Emitted& update : emitted_by_step_[step.at("from_step").get<std::size_t>()]) {
    if (!apply_bytes(to, format_of(step), format_of(step) == "v2" ? update.v2 : update.v1, report))
      return;
  }
  expect_emits(to, expectation(step), report);
}

void DocumentSteps::encode(const OrderedJson& step, Report& report) {
  const crdt::Doc& doc = *replica(step).doc;
  const Buffer known = bytes_field(step, "sv");
  const OrderedJson& expected = expectation(step);
  if (doc.has_pending()) return;
  expect_member_update(expected, "v1", encode_state(doc, "v1", known), false, report);
  expect_member_update(expected, "v2", encode_state(doc, "v2", known), true, report);
}

void DocumentSteps::sync_message(const OrderedJson& step, Report& report) {
  const crdt::Doc& doc = *replica(step).doc;
  Buffer message;
  if (step.at("op") == "sync.step1") {
    protocol::write_sync_step1(message, doc.encode_state_vector());
  } else if (step.contains("sv")) {
    protocol::write_sync_step2(message, need(doc.encode_state_as_update(bytes_field(step, "sv"))));
  } else {
    protocol::write_sync_step2(message, doc.encode_state_as_update());
  }
  report.expect_bytes("message", step.at("expect").at("message"), without_envelope(message));
}

// readSyncMessage of y-protocols: an update is applied, a state vector answered.
void DocumentSteps::handle_message(const OrderedJson& step, Report& report) {
  Replica& target = replica(step);
  const auto reply = handle_sync_message(*target.doc, bytes_field(step, "message"));
  const OrderedJson& expected = expectation(step);
  report.expect("error", expected.at("error"), !reply.has_value());
  expect_emits(target, expected, report);
  if (!reply || expected.at("error").get<bool>()) return;
  report.expect("type", expected.at("type"), reply->type);
  if (target.doc->has_pending()) return;
  if (reply->message.empty() || expected.at("reply").is_null()) {
    report.expect("reply", expected.at("reply").is_null(), reply->message.empty());
  } else {
    report.expect_bytes("reply", expected.at("reply"), reply->message);
  }
}

bool DocumentSteps::run(std::size_t number, const OrderedJson& step, Report& report) {
  number_ = number;
  const auto op = step.at("op").get<std::string>();
  if (op == "transact") {
    transact(step, report);
  } else if (op == "apply") {
    apply(step, report);
  } else if (op == "applyMany") {
    apply_many(step, report);
  } else if (op == "sync") {
    sync(step, report);
  } else if (op == "deliver") {
    deliver(step, report);
  } else if (op == "check") {
    expect_document(replica(step), expectation(step), report);
  } else if (op == "encode") {
    encode(step, report);
  } else if (op == "declare") {
    Replica& target = replica(step);
    if (const Status declared = declare_roots(*target.doc, step.at("roots")); !declared) {
      return report.fail("declare", declared.error().message), true;
    }
    target.roots.update(step.at("roots"));
  } else if (op == "clientChanged") {
    const Replica& target = replica(step);
    report.expect("changed", step.at("expect").at("changed"),
                  target.doc->client_id() != target.client);
  } else if (op == "sync.step1" || op == "sync.step2") {
    sync_message(step, report);
  } else if (op == "sync.handle") {
    handle_message(step, report);
  } else {
    return false;
  }
  return true;
}

}  // namespace diaryx::compat
