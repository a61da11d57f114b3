#include "tests/compat/update_steps.h"

#include "engine/crdt/update.h"
#include "tests/compat/values.h"

namespace diaryx::compat {
namespace {

Buffer bytes_field(const OrderedJson& step, const char* key) {
  return to_bytes(step.at(key)).value();
}

void expect_result(const OrderedJson& step, const Result<Buffer>& bytes, Report& report) {
  if (!bytes) return report.fail("call", bytes.error().message);
  report.expect_bytes("bytes", step.at("expect").at("bytes"), *bytes);
}

Result<Buffer> merge(const OrderedJson& inputs) {
  std::vector<Buffer> owned;
  for (const OrderedJson& input : inputs) owned.push_back(to_bytes(input).value());
  const std::vector<Bytes> views(owned.begin(), owned.end());
  return crdt::merge_updates_v1(views);
}

void encode_vector(const OrderedJson& step, Report& report) {
  crdt::ClockMap clocks;
  for (const auto& [client, clock] : step.at("sv").items())
    clocks[std::stoull(client)] = clock.get<std::uint64_t>();
  report.expect_bytes("bytes", step.at("expect").at("bytes"), crdt::encode_state_vector(clocks));
}

void decode_vector(const OrderedJson& step, Report& report) {
  const auto clocks = crdt::decode_state_vector(bytes_field(step, "bytes"));
  if (!clocks) return report.fail("decode", clocks.error().message);
  OrderedJson view = OrderedJson::object();
  for (const auto& [client, clock] : *clocks) view[std::to_string(client)] = clock;
  report.expect("sv", step.at("expect").at("sv"), view);
}

}  // namespace

bool run_update_step(const OrderedJson& step, Report& report) {
  const auto op = step.at("op").get<std::string>();
  const bool is_v1 = step.value("enc", "v1") == "v1";
  if (op == "encodeSv") {
    encode_vector(step, report);
  } else if (op == "decodeSv") {
    decode_vector(step, report);
  } else if (op == "mergeUpdates" && is_v1) {
    expect_result(step, merge(step.at("inputs")), report);
  } else if (op == "diffUpdate" && is_v1) {
    expect_result(step, crdt::diff_update_v1(bytes_field(step, "update"), bytes_field(step, "sv")),
                  report);
  } else if (op == "svFromUpdate" && is_v1) {
    expect_result(step, crdt::state_vector_from_update_v1(bytes_field(step, "update")), report);
  } else if (op == "mergeUpdates" || op == "diffUpdate" || op == "svFromUpdate" ||
             op == "convertV1toV2" || op == "convertV2toV1") {
    report.unsupported("update v2");
  } else if (op == "updateMeta") {
    report.unsupported(op);
  } else {
    return false;
  }
  return true;
}

}  // namespace diaryx::compat
