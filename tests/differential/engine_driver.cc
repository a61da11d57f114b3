// engine_driver: the engine behind a line protocol, for the differential test beside it.
//
// Reads one JSON object a line from standard input and answers each with one on standard output.
// The words are those of the conformance corpus (tests/compat/corpus/README.md):
//
//   {"op":"begin","replicas":[…],"roots":{…},"clean_formats":bool}   → {}      forgets all before
//   {"op":"transact","replica":"A","ops":[…]}              → {"emits":[{"v1","v2"}…], view of A}
//   {"op":"apply","replica":"A","enc":"v1","update":"…"}   → the same
//   {"op":"declare","replica":"A","roots":{…}}             → view of A
//   {"op":"encode","replica":"A","sv":"…"}                 → {"v1","v2"}
//   mergeUpdates, diffUpdate, svFromUpdate, convertV1toV2, convertV2toV1, updateMeta → as in a case
//
// A view is {"roots","sv_bytes","v1","v2","pending":bool}, with "broken" if an invariant does not
// hold. What goes wrong is answered with {"error":"…"}. The driver ends with its input.
#include <iostream>
#include <map>
#include <string>

#include <fmt/format.h>

#include "engine/crdt/update.h"
#include "tests/compat/edits.h"
#include "tests/compat/values.h"
#include "tests/compat/views.h"

namespace diaryx::compat {
namespace {

struct DrivenReplica {
  std::unique_ptr<crdt::Doc> doc;
  OrderedJson roots = OrderedJson::object();
  OrderedJson emits = OrderedJson::array();
};

std::string text_field(const OrderedJson& request, const char* name) {
  return request.at(name).get<std::string>();
}

Result<Buffer> bytes_field(const OrderedJson& request, const char* name) {
  return to_bytes(request.at(name));
}

bool is_v2(const OrderedJson& request) {
  return request.value("enc", "v1") == "v2";
}

class Driver {
 public:
  Result<OrderedJson> answer(const OrderedJson& request) {
    const std::string op = text_field(request, "op");
    if (op == "begin") return begin(request);
    if (op == "transact") return transact(request);
    if (op == "apply") return apply(request);
    if (op == "declare") return declare(request);
    if (op == "encode") return encode(request);
    return without_document(op, request);
  }

 private:
  Result<OrderedJson> begin(const OrderedJson& request) {
    replicas_.clear();
    for (const OrderedJson& description : request.at("replicas")) {
      DrivenReplica& made = replicas_[text_field(description, "id")];
      crdt::DocOptions options{.client_id = description.at("client").get<std::uint64_t>()};
      options.gc = description.value("gc", true);
      options.clean_formats = request.value("clean_formats", false);
      made.doc = std::make_unique<crdt::Doc>(options);
      if (description.value("declare", true)) {
        made.roots = request.at("roots");
        DX_TRY_OK(declare_roots(*made.doc, made.roots));
      }
      made.doc->observe([&made](const crdt::TransactionSummary& summary) {
        if (summary.update.empty()) return;
        made.emits.push_back(
            {{"v1", from_bytes(summary.update)}, {"v2", from_bytes(summary.update_v2())}});
      });
    }
    return OrderedJson::object();
  }

  DrivenReplica& replica(const OrderedJson& request) {
    return replicas_.at(text_field(request, "replica"));
  }

  static OrderedJson view(DrivenReplica& replica) {
    OrderedJson shown = {
        {"emits", std::exchange(replica.emits, OrderedJson::array())},
        {"roots", view_roots(*replica.doc, replica.roots)},
        {"sv_bytes", from_bytes(replica.doc->encode_state_vector())},
        {"v1", from_bytes(replica.doc->encode_state_as_update())},
        {"v2", from_bytes(replica.doc->encode_state_as_update_v2())},
        {"pending", replica.doc->has_pending()},
    };
    if (const Status sound = replica.doc->check_invariants(); !sound)
      shown["broken"] = sound.error().message;
    return shown;
  }

  Result<OrderedJson> transact(const OrderedJson& request) {
    DrivenReplica& target = replica(request);
    Status done;
    target.doc->transact([&] {
      for (const OrderedJson& edit : request.at("ops")) {
        if (done) done = run_edit(*target.doc, target.roots, edit);
      }
    });
    DX_TRY_OK(done);
    return view(target);
  }

  Result<OrderedJson> apply(const OrderedJson& request) {
    DrivenReplica& target = replica(request);
    DX_TRY(const Buffer update, bytes_field(request, "update"));
    DX_TRY_OK(is_v2(request) ? target.doc->apply_update_v2(update)
                             : target.doc->apply_update(update));
    return view(target);
  }

  Result<OrderedJson> declare(const OrderedJson& request) {
    DrivenReplica& target = replica(request);
    DX_TRY_OK(declare_roots(*target.doc, request.at("roots")));
    target.roots.update(request.at("roots"));
    return view(target);
  }

  Result<OrderedJson> encode(const OrderedJson& request) {
    const crdt::Doc& doc = *replica(request).doc;
    DX_TRY(const Buffer known, bytes_field(request, "sv"));
    DX_TRY(const Buffer v1, doc.encode_state_as_update(known));
    DX_TRY(const Buffer v2, doc.encode_state_as_update_v2(known));
    return OrderedJson{{"v1", from_bytes(v1)}, {"v2", from_bytes(v2)}};
  }

  static Result<Buffer> merge(const OrderedJson& request) {
    std::vector<Buffer> updates;
    for (const OrderedJson& input : request.at("inputs")) {
      DX_TRY(Buffer update, to_bytes(input));
      updates.push_back(std::move(update));
    }
    const std::vector<Bytes> views(updates.begin(), updates.end());
    return is_v2(request) ? crdt::merge_updates_v2(views) : crdt::merge_updates_v1(views);
  }

  static Result<OrderedJson> without_document(const std::string& op, const OrderedJson& request) {
    const auto bytes = [](Result<Buffer> made) -> Result<OrderedJson> {
      DX_TRY(const Buffer got, std::move(made));
      return OrderedJson{{"bytes", from_bytes(got)}};
    };
    const bool v2 = is_v2(request);
    if (op == "mergeUpdates") return bytes(merge(request));
    DX_TRY(const Buffer update, bytes_field(request, "update"));
    if (op == "convertV1toV2") return bytes(crdt::convert_v1_to_v2(update));
    if (op == "convertV2toV1") return bytes(crdt::convert_v2_to_v1(update));
    if (op == "svFromUpdate")
      return bytes(v2 ? crdt::state_vector_from_update_v2(update)
                      : crdt::state_vector_from_update_v1(update));
    if (op == "diffUpdate") {
      DX_TRY(const Buffer known, bytes_field(request, "sv"));
      return bytes(v2 ? crdt::diff_update_v2(update, known) : crdt::diff_update_v1(update, known));
    }
    if (op == "updateMeta") {
      DX_TRY(const crdt::UpdateMeta meta,
             v2 ? crdt::update_meta_v2(update) : crdt::update_meta_v1(update));
      return OrderedJson{{"from", view_clocks(meta.from)}, {"to", view_clocks(meta.to)}};
    }
    return Error{ErrorCode::Unsupported, op};
  }

  std::map<std::string, DrivenReplica> replicas_;
};

OrderedJson answer_line(Driver& driver, const std::string& line) {
  const auto request = parse_ordered_json(line);
  if (!request) return {{"error", request.error().message}};
  try {
    const Result<OrderedJson> answer = driver.answer(*request);
    return answer ? *answer : OrderedJson{{"error", answer.error().message}};
  } catch (const std::exception& broken) {
    // A request that lacks a member, or names a replica that is not there.
    return {{"error", fmt::format("the request is broken: {}", broken.what())}};
  }
}

}  // namespace
}  // namespace diaryx::compat

int main() {
  std::ios::sync_with_stdio(false);
  diaryx::compat::Driver driver;
  for (std::string line; std::getline(std::cin, line);) {
    std::cout << diaryx::dump_json(diaryx::compat::answer_line(driver, line)) << '\n';
    // Whoever waits for the answer sends an empty line... one line in, one line out, at once.
    std::cout.flush();
  }
  return 0;
}
