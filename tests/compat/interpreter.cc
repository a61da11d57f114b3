#include "tests/compat/interpreter.h"

#include "tests/compat/awareness_steps.h"
#include "tests/compat/codec_steps.h"
#include "tests/compat/document_steps.h"
#include "tests/compat/malformed_steps.h"
#include "tests/compat/message_steps.h"
#include "tests/compat/update_steps.h"

namespace diaryx::compat {

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
                         awareness.run(step, report) || documents.run(number, step, report);
      if (!known) report.unsupported(op);
    } catch (const OrderedJson::exception& broken) {
      report.fail("the case is broken", broken.what());
    }
    ++number;
  }
}

}  // namespace diaryx::compat
