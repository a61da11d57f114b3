#include "tests/compat/update_steps.h"

#include "engine/crdt/update.h"
#include "tests/compat/values.h"
#include "tests/compat/views.h"

namespace diaryx::compat {
namespace {

Buffer bytes_field(const OrderedJson& step, const char* key) {
  return to_bytes(step.at(key)).value();
}

void expect_result(const OrderedJson& step, const Result<Buffer>& got, Report& report) {
  if (!got) return report.fail("call", got.error().message);
  report.expect_bytes("bytes", step.at("expect").at("bytes"), *got);
}

Result<Buffer> merge(const OrderedJson& step) {
  std::vector<Buffer> updates;
  for (const OrderedJson& input : step.at("inputs")) updates.push_back(to_bytes(input).value());
  const std::vector<Bytes> views(updates.begin(), updates.end());
  return crdt::merge_updates_v1(views);
}

Buffer encode_state_vector(const OrderedJson& step) {
  crdt::ClockMap clocks;
  for (const auto& [client, clock] : step.at("sv").items())
    clocks[std::stoull(client)] = clock.get<std::uint64_t>();
  return crdt::encode_state_vector(clocks);
}

}  // namespace

bool run_update_step(const OrderedJson& step, Report& report) {
  const auto op = step.at("op").get<std::string>();
  if (op == "encodeSv") {
    report.expect_bytes("bytes", step.at("expect").at("bytes"), encode_state_vector(step));
    return true;
  }
  if (op == "decodeSv") {
    report.expect("sv", step.at("expect").at("sv"), view_state_vector(bytes_field(step, "bytes")));
    return true;
  }
  if (op != "mergeUpdates" && op != "diffUpdate" && op != "svFromUpdate") return false;
  if (step.value("enc", "v1") != "v1") {
    report.left_out_v2();
    return true;
  }
  if (op == "mergeUpdates") {
    expect_result(step, merge(step), report);
  } else if (op == "diffUpdate") {
    expect_result(step, crdt::diff_update_v1(bytes_field(step, "update"), bytes_field(step, "sv")),
                  report);
  } else {
    expect_result(step, crdt::state_vector_from_update_v1(bytes_field(step, "update")), report);
  }
  return true;
}

}  // namespace diaryx::compat
