// Steps on documents: transact, apply, sync, deliver, check, … and sync messages to a document.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/compat/case_file.h"
#include "tests/compat/replica.h"
#include "tests/compat/report.h"

namespace diaryx::compat {

class DocumentSteps {
 public:
  // The case must outlive this.
  explicit DocumentSteps(const CaseFile& kase);
  // False if the step is none of these. `number` is the step's place in the case, `expected` its
  // expectation (null if none).
  bool run(const OrderedJson& step, std::size_t number, const OrderedJson& expected,
           Report& report);

 private:
  // Null pointer, and the step is reported as unsupported, if the replica is blocked.
  Replica* usable(const OrderedJson& step, const char* field, Report& report);
  void transact(const OrderedJson& step, std::size_t number, const OrderedJson& expected,
                Report& report);
  void apply(const OrderedJson& step, const OrderedJson& expected, Report& report);
  void apply_many(const OrderedJson& step, Report& report);
  void sync(const OrderedJson& step, const OrderedJson& expected, Report& report);
  void deliver(const OrderedJson& step, const OrderedJson& expected, Report& report);
  void encode(const OrderedJson& step, const OrderedJson& expected, Report& report);
  void write_message(const OrderedJson& step, const OrderedJson& expected, Report& report);
  void handle_message(const OrderedJson& step, const OrderedJson& expected, Report& report);
  void check_emitted(Replica& replica, const OrderedJson& expected, Report& report);

  const CaseFile& case_;
  std::map<std::string, std::unique_ptr<Replica>> replicas_;
  std::map<std::size_t, std::vector<Buffer>> emitted_by_step_;  // Steps that emitted something.
};

}  // namespace diaryx::compat
