#include "tests/compat/interpreter.h"

#include "tests/compat/awareness_steps.h"
#include "tests/compat/codec_steps.h"
#include "tests/compat/document_steps.h"
#include "tests/compat/malformed_steps.h"
#include "tests/compat/message_steps.h"
#include "tests/compat/relpos_steps.h"
#include "tests/compat/snapshot_steps.h"
#include "tests/compat/undo_steps.h"
#include "tests/compat/update_steps.h"

namespace diaryx::compat {
namespace {

void run_steps(const CaseFile& kase, bool clean_formats, Report& report) {
  AwarenessSteps awareness;
  DocumentSteps documents(kase, clean_formats);
  UndoSteps undo(documents);
  std::size_t number = 0;
  for (const OrderedJson& step : kase.steps()) {
    const auto op = step.at("op").get<std::string>();
    report.begin_step(number, clean_formats ? op + " (cleaning formats)" : op);
    try {
      const bool known = run_codec_step(step, report) || run_message_step(step, report) ||
                         run_update_step(step, report) || run_malformed_step(kase, step, report) ||
                         awareness.run(step, report) || undo.run(number, step, report) ||
                         documents.run(number, step, report) ||
                         run_relpos_step(documents, step, report) ||
                         run_snapshot_step(documents, step, report);
      if (!known) report.unsupported(op);
    } catch (const std::exception& broken) {
      report.fail("the step broke off", broken.what());
    }
    ++number;
  }
}

}  // namespace

void run_case(const CaseFile& kase, Report& report) {
  // Some cases say themselves how their replicas behave.
  if (kase.json.contains("clean_formats"))
    return run_steps(kase, kase.json.at("clean_formats").get<bool>(), report);
  run_steps(kase, false, report);
  // Where there are documents, also as Yjs' own clients behave.
  const bool has_replicas = kase.json.contains("replicas") && !kase.json.at("replicas").empty();
  if (has_replicas) run_steps(kase, true, report);
}

}  // namespace diaryx::compat
