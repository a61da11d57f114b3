#include "tests/compat/update_steps.h"

#include <algorithm>

#include "engine/crdt/update.h"
#include "tests/compat/values.h"
#include "tests/compat/views.h"

namespace diaryx::compat {
namespace {

Buffer bytes_field(const OrderedJson& step, const char* key) {
  return need(to_bytes(step.at(key)));
}

void expect_result(const OrderedJson& step, const Result<Buffer>& got, Report& report) {
  if (!got) return report.fail("call", got.error().message);
  report.expect_bytes("bytes", step.at("expect").at("bytes"), *got);
}

Result<Buffer> merge(const OrderedJson& step, bool v2) {
  std::vector<Buffer> updates;
  for (const OrderedJson& input : step.at("inputs")) updates.push_back(need(to_bytes(input)));
  const std::vector<Bytes> views(updates.begin(), updates.end());
  return v2 ? crdt::merge_updates_v2(views) : crdt::merge_updates_v1(views);
}

void expect_meta(const OrderedJson& step, const Result<crdt::UpdateMeta>& meta, Report& report) {
  if (!meta) return report.fail("call", meta.error().message);
  report.expect("from", step.at("expect").at("from"), view_clocks(meta->from));
  report.expect("to", step.at("expect").at("to"), view_clocks(meta->to));
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
  const bool v2 = step.value("enc", "v1") == "v2";
  if (op == "mergeUpdates") {
    expect_result(step, merge(step, v2), report);
    return true;
  }
  const std::vector<std::string> on_one_update = {"diffUpdate", "svFromUpdate", "convertV1toV2",
                                                  "convertV2toV1", "updateMeta"};
  if (std::find(on_one_update.begin(), on_one_update.end(), op) == on_one_update.end())
    return false;
  const Buffer update = bytes_field(step, "update");
  if (op == "diffUpdate") {
    const Buffer known = bytes_field(step, "sv");
    expect_result(step,
                  v2 ? crdt::diff_update_v2(update, known) : crdt::diff_update_v1(update, known),
                  report);
  } else if (op == "svFromUpdate") {
    expect_result(
        step,
        v2 ? crdt::state_vector_from_update_v2(update) : crdt::state_vector_from_update_v1(update),
        report);
  } else if (op == "convertV1toV2") {
    expect_result(step, crdt::convert_v1_to_v2(update), report);
  } else if (op == "convertV2toV1") {
    expect_result(step, crdt::convert_v2_to_v1(update), report);
  } else {
    expect_meta(step, v2 ? crdt::update_meta_v2(update) : crdt::update_meta_v1(update), report);
  }
  return true;
}

}  // namespace diaryx::compat
