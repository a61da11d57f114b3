// Steps on replicas: transact, apply, applyMany, sync, deliver, check, encode, declare,
// clientChanged, and the sync.* messages that need a document.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/crdt/doc.h"
#include "tests/compat/case_file.h"
#include "tests/compat/report.h"

namespace diaryx::compat {

// What one transaction did, in both formats.
struct Emitted {
  Buffer v1;
  Buffer v2;
};

struct Replica {
  std::unique_ptr<crdt::Doc> doc;
  OrderedJson roots = OrderedJson::object();  // Declared so far.
  std::uint64_t client = 0;                   // Its id at first.
  std::vector<Emitted> emitted;               // By the transactions since they were last taken.
};

// With the case's roots declared, unless `declare` is false there.
// `clean_formats`: do as Yjs clients do.
Replica make_replica(const OrderedJson& description, const OrderedJson& roots, bool clean_formats);

// Compares what can be seen of the document with an expectation (`check` of the corpus).
void expect_document(const Replica& replica, const OrderedJson& expected, Report& report);

class DocumentSteps {
 public:
  DocumentSteps(const CaseFile& kase, bool clean_formats);
  // False if the step is none of these. `number` counts the steps of the case.
  bool run(std::size_t number, const OrderedJson& step, Report& report);
  Replica& replica_named(const std::string& id) { return replicas_.at(id); }

  // The replica that a step names. Throws if there is none.
  Replica& replica(const OrderedJson& step, const char* member = "replica");
  // What is expected of a step, on documents that do or do not clean formats.
  const OrderedJson& expectation(const OrderedJson& step) const;
  bool clean_formats() const noexcept { return clean_formats_; }

 private:
  void transact(const OrderedJson& step, Report& report);
  void apply(const OrderedJson& step, Report& report);
  void apply_many(const OrderedJson& step, Report& report);
  void sync(const OrderedJson& step, Report& report);
  void deliver(const OrderedJson& step, Report& report);
  void encode(const OrderedJson& step, Report& report);
  void sync_message(const OrderedJson& step, Report& report);
  void handle_message(const OrderedJson& step, Report& report);
  bool apply_bytes(Replica& replica, std::string_view format, Bytes update, Report& report);
  void expect_emits(Replica& replica, const OrderedJson& expected, Report& report);

  const CaseFile& case_;
  bool clean_formats_;
  std::map<std::string, Replica> replicas_;
  std::map<std::size_t, std::vector<Emitted>> emitted_by_step_;
  std::size_t number_ = 0;
};

}  // namespace diaryx::compat
