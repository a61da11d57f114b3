#include "tests/compat/interpreter.h"

#include "tests/compat/awareness_steps.h"
#include "tests/compat/codec_steps.h"
#include "tests/compat/document_steps.h"
#include "tests/compat/malformed_steps.h"
#include "tests/compat/message_steps.h"
#include "tests/compat/update_steps.h"

namespace diaryx::compat {
namespace {

// What a step should yield, for an engine that does not clean up formats after remote transactions;
// null if it does not say.
const OrderedJson& expectation_of(const CaseFile& kase, const OrderedJson& step) {
  static const OrderedJson kNone;
  const OrderedJson& holder = step.contains("expect_ref")
                                  ? kase.steps().at(step.at("expect_ref").get<std::size_t>())
                                  : step;
  if (holder.contains("expect_nocleanup")) return holder.at("expect_nocleanup");
  return holder.contains("expect") ? holder.at("expect") : kNone;
}

}  // namespace

void run_case(const CaseFile& kase, Report& report) {
  AwarenessSteps awareness;
  DocumentSteps documents(kase);
  std::size_t number = 0;
  for (const OrderedJson& step : kase.steps()) {
    const auto op = step.at("op").get<std::string>();
    report.begin_step(number, op);
    try {
      const bool known = run_codec_step(step, report) || run_message_step(step, report) ||
                         run_update_step(step, report) || run_malformed_step(kase, step, report) ||
                         awareness.run(step, report) ||
                         documents.run(step, number, expectation_of(kase, step), report);
      if (!known) report.unsupported(op);
    } catch (const OrderedJson::exception& broken) {
      report.fail("the case is broken", broken.what());
    }
    ++number;
  }
}

}  // namespace diaryx::compat
