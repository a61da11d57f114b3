#include "tests/compat/replica.h"

#include <fmt/format.h>

#include "engine/crdt/update.h"
#include "tests/compat/type_view.h"
#include "tests/compat/values.h"

namespace diaryx::compat {
namespace {

crdt::DocOptions options_of(const OrderedJson& spec) {
  crdt::DocOptions options;
  options.client_id = spec.at("client").get<std::uint64_t>();
  options.gc = spec.value("gc", true);
  return options;
}

OrderedJson clocks_of(Bytes state_vector) {
  OrderedJson clocks = OrderedJson::object();
  const auto decoded = crdt::decode_state_vector(state_vector);
  if (!decoded) return clocks;
  for (const auto& [client, clock] : *decoded) clocks[std::to_string(client)] = clock;
  return clocks;
}

}  // namespace

Replica::Replica(const OrderedJson& spec, const OrderedJson& roots)
    : doc_(std::make_unique<crdt::Doc>(options_of(spec))),
      client_(spec.at("client").get<std::uint64_t>()) {
  doc_->observe([this](const crdt::TransactionSummary& summary) {
    if (!summary.update.empty()) emitted_.push_back(to_buffer(summary.update));
  });
  if (!spec.value("declare", true)) return;
  if (const auto declared = declare(roots); !declared) block(declared.error().message);
}

Status Replica::declare(const OrderedJson& roots) {
  for (const auto& [name, kind_json] : roots.items()) {
    const auto kind_name = kind_json.get<std::string>();
    const auto kind = type_kind(kind_name);
    if (!kind) return Error{ErrorCode::Unsupported, "root of kind " + kind_name};
    DX_TRY(const crdt::TypeRef type, doc_->root(name, *kind));
    roots_.push_back({name, kind_name, type});
  }
  return {};
}

std::optional<crdt::TypeRef> Replica::root(const std::string& name) const {
  for (const Root& root : roots_) {
    if (root.name == name) return root.type;
  }
  return std::nullopt;
}

void Replica::check(const OrderedJson& expected, Report& report) const {
  if (const auto sound = doc_->check_invariants(); !sound)
    report.fail("invariants", sound.error().message);
  // While updates wait, how much was applied is each engine's own business.
  if (expected.contains("pending")) return;
  if (doc_->has_pending()) report.fail("pending", "updates wait, though nothing is missing");
  if (expected.contains("roots")) {
    for (const Root& root : roots_) {
      if (!expected.at("roots").contains(root.name)) continue;
      report.expect("root " + root.name, expected.at("roots").at(root.name), root_view(root.type));
    }
  }
  const Buffer vector = doc_->encode_state_vector();
  if (expected.contains("sv")) report.expect("sv", expected.at("sv"), clocks_of(vector));
  if (expected.contains("sv_bytes"))
    report.expect_bytes("sv_bytes", expected.at("sv_bytes"), vector);
  if (expected.contains("v1")) {
    const Buffer state = doc_->encode_state_as_update();
    // Yjs leaves some neighbouring GC structs unmerged, depending on history; an engine need not.
    const bool is_merged =
        expected.contains("v1_gcnorm") && byte_difference(expected.at("v1_gcnorm"), state).empty();
    if (!is_merged) report.expect_bytes("v1", expected.at("v1"), state);
  }
  if (expected.contains("v2")) report.left_out_v2();
}

bool Replica::has_lone_surrogate() const {
  for (const Root& root : roots_) {
    if (dump_json(root_view(root.type)).find(R"("$":"utf16")") != std::string::npos) return true;
  }
  return false;
}

Buffer Replica::fingerprint() const {
  Buffer bytes = doc_->encode_state_vector();
  const Buffer state = doc_->encode_state_as_update();
  bytes.insert(bytes.end(), state.begin(), state.end());
  bytes.push_back(doc_->has_pending() ? 1 : 0);
  return bytes;
}

}  // namespace diaryx::compat
