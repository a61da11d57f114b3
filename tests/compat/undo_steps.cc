#include "tests/compat/undo_steps.h"

#include <fmt/format.h>

#include "tests/compat/edits.h"
#include "tests/compat/event_view.h"
#include "tests/compat/values.h"

namespace diaryx::compat {
namespace {

crdt::TypeRef type_at(Replica& replica, const OrderedJson& path) {
  return resolve_path(*replica.doc, replica.roots, path).value();
}

std::string describe(const std::string& manager, const crdt::StackEvent& event) {
  const char* what = event.kind == crdt::StackEvent::Kind::Added     ? "added"
                     : event.kind == crdt::StackEvent::Kind::Updated ? "updated"
                                                                     : "popped";
  return fmt::format("{} {} {}", manager, what, event.redo ? "redo" : "undo");
}

void expect_emits(Replica& replica, const OrderedJson& expected, Report& report) {
  const std::vector<Emitted> emitted = std::exchange(replica.emitted, {});
  const OrderedJson wanted = expected.value("emits", OrderedJson::array());
  if (wanted.size() != emitted.size()) {
    return report.fail("emits", fmt::format("{} instead of {}", emitted.size(), wanted.size()));
  }
  for (std::size_t i = 0; i < emitted.size(); ++i) {
    if (!wanted[i].is_null()) report.expect_bytes("emits", wanted[i], emitted[i].v1);
  }
}

}  // namespace

void UndoSteps::expect_records(const std::string& replica, const OrderedJson& expected,
                               Report& report) {
  Replica& target = documents_.replica_named(replica);
  const Records records = std::exchange(records_[replica], {});
  report.expect("calls", expected.value("calls", OrderedJson::array()), records.calls);
  report.expect("log", expected.value("log", OrderedJson::array()), records.log);
  expect_emits(target, expected, report);
  if (const Status right = target.doc->check_invariants(); !right)
    report.fail("invariants", right.error().message);
  if (report.level() != Level::Content) {
    report.expect("state", expected.at("state"), fingerprint(target.doc->encode_state_as_update()));
  }
}

void UndoSteps::add_manager(const OrderedJson& step) {
  const auto replica = step.at("replica").get<std::string>();
  const auto id = step.at("id").get<std::string>();
  Replica& target = documents_.replica_named(replica);
  crdt::UndoOptions options;
  options.capture_timeout_ms = step.at("timeout").get<std::uint64_t>();
  options.now_ms = [this] { return now_ms_; };
  options.tracked_origins = step.at("origins").get<std::vector<crdt::Origin>>();
  options.ignore_remote_map_changes = step.at("ignoreRemote").get<bool>();
  std::vector<crdt::TypeRef> scope;
  for (const OrderedJson& path : step.value("scope", OrderedJson::array()))
    scope.push_back(type_at(target, path));
  auto manager = std::make_unique<crdt::UndoManager>(*target.doc, std::move(scope), options);
  manager->observe([this, replica, id](const crdt::StackEvent& event) {
    records_[replica].log.push_back(describe(id, event));
  });
  manager->observe_clear([this, replica, id](bool undo_steps, bool redo_steps) {
    records_[replica].log.push_back(fmt::format("{} cleared {} {}", id, undo_steps, redo_steps));
  });
  managers_[id] = {replica, std::move(manager)};
}

void UndoSteps::edit(const OrderedJson& step, Report& report) {
  const auto replica = step.at("replica").get<std::string>();
  Replica& target = documents_.replica_named(replica);
  target.doc->transact(
      [&] {
        for (const OrderedJson& op : step.at("ops")) {
          if (op.contains("manager")) {
            crdt::UndoManager& manager = *managers_.at(op.at("manager").get<std::string>()).manager;
            (void)(op.at("do") == "undo" ? manager.undo() : manager.redo());  // The bytes tell.
            continue;
          }
          if (const Status done = run_edit(*target.doc, target.roots, op); !done)
            report.fail(op.at("do").get<std::string>(), done.error().message);
        }
      },
      step.at("origin").get<crdt::Origin>());
  expect_records(replica, step.at("expect"), report);
}

void UndoSteps::sync(const OrderedJson& step, Report& report) {
  const auto to = step.at("to").get<std::string>();
  crdt::Doc& target = *documents_.replica_named(to).doc;
  const crdt::Doc& source = *documents_.replica_named(step.at("from").get<std::string>()).doc;
  const auto update = source.encode_state_as_update(target.encode_state_vector());
  const Status applied = target.apply_update(*update, step.at("origin").get<crdt::Origin>());
  if (!applied) report.fail("apply", applied.error().message);
  expect_records(to, step.at("expect"), report);
}

void UndoSteps::pop(const OrderedJson& step, Report& report) {
  const Manager& entry = managers_.at(step.at("manager").get<std::string>());
  crdt::UndoManager& manager = *entry.manager;
  const OrderedJson& expected = step.at("expect");
  const bool done = (step.at("op") == "undo.undo" ? manager.undo() : manager.redo()) != nullptr;
  report.expect("done", expected.at("done"), done);
  report.expect("stacks", expected.at("stacks"),
                OrderedJson::array({manager.undo_stack().size(), manager.redo_stack().size()}));
  expect_records(entry.replica, expected, report);
}

bool UndoSteps::run_observe(std::size_t number, const OrderedJson& step) {
  const auto replica = step.at("replica").get<std::string>();
  Replica& target = documents_.replica_named(replica);
  const auto record = [this, number, replica](const crdt::Events& events) {
    OrderedJson views = OrderedJson::array();
    for (const crdt::Event* event : events) views.push_back(view_event(*event));
    records_[replica].calls.push_back({{"observer", number}, {"events", std::move(views)}});
  };
  if (step.at("op") == "events.echo") {
    target.doc->observe_deep(
        type_at(target, step.at("at")),
        [doc = target.doc.get(), origin = step.at("origin").get<crdt::Origin>(),
         count = 0](const crdt::Events& events) mutable {
          if (events.front()->origin() == origin) return;
          doc->transact([&] { doc->map("m").set("echo", ++count); }, origin);
        });
  } else if (step.at("op") == "events.documents") {
    target.doc->observe_documents([this, replica](const crdt::SubDocumentEvents& events) {
      records_[replica].calls.push_back({{"documents", view_document_events(events)}});
    });
  } else if (step.at("deep").get<bool>()) {
    target.doc->observe_deep(type_at(target, step.at("at")), record);
  } else {
    target.doc->observe(type_at(target, step.at("at")),
                        [record](const crdt::Event& event) { record({&event}); });
  }
  return true;
}

bool UndoSteps::run(std::size_t number, const OrderedJson& step, Report& report) {
  const auto op = step.at("op").get<std::string>();
  now_ms_ = step.value("now", now_ms_);
  if (op.starts_with("events.")) return run_observe(number, step);
  if (op == "undo.new") {
    add_manager(step);
  } else if (op == "undo.edit") {
    edit(step, report);
  } else if (op == "undo.sync") {
    sync(step, report);
  } else if (op == "undo.undo" || op == "undo.redo") {
    pop(step, report);
  } else if (op == "undo.scope") {
    const Manager& entry = managers_.at(step.at("manager").get<std::string>());
    entry.manager->add_to_scope(type_at(documents_.replica_named(entry.replica), step.at("at")));
  } else if (op == "undo.stop" || op == "undo.clear") {
    const Manager& entry = managers_.at(step.at("manager").get<std::string>());
    if (op == "undo.stop") {
      entry.manager->stop_capturing();
    } else {
      entry.manager->clear(step.at("undo").get<bool>(), step.at("redo").get<bool>());
    }
    expect_records(entry.replica, step.at("expect"), report);
  } else {
    return false;
  }
  return true;
}

}  // namespace diaryx::compat
