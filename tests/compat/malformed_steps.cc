#include "tests/compat/malformed_steps.h"

#include <fmt/format.h>
#include <time.h>

#include "engine/crdt/relative_position.h"
#include "engine/crdt/snapshot.h"
#include "engine/crdt/update.h"
#include "engine/protocol/awareness.h"
#include "engine/protocol/frame.h"
#include "tests/compat/document_steps.h"
#include "tests/compat/memory_meter.h"
#include "tests/compat/sync_reply.h"
#include "tests/compat/values.h"

namespace diaryx::compat {
namespace {

constexpr std::size_t kMaxMemory = 64U << 20U;
// The corpus' limits are for the product; sanitizers and debug builds are several times slower.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__OPTIMIZE__)
constexpr double kSlowness = 5;
#else
constexpr double kSlowness = 1;
#endif

double cpu_ms() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

constexpr std::uint64_t kClient = 900001;

struct Target {
  Replica replica;
  protocol::Awareness awareness{kClient};
};

Status feed_position(Bytes bytes, crdt::Doc& doc) {
  DX_TRY(const crdt::RelativePosition position, crdt::decode_relative_position(bytes));
  if (crdt::resolve_relative_position(doc, position)) return {};
  return Error{ErrorCode::NotFound, "relative position: nowhere in this document"};
}

// Nothing if the target is one that we do not have yet.
std::optional<Status> feed(const std::string& target, Bytes bytes, Target& to) {
  const auto status = [](const auto& result) { return result ? Status() : Status(result.error()); };
  constexpr std::uint8_t kEmptyUpdate[] = {0, 0};
  const Buffer kEmptyUpdateV2 = need(crdt::convert_v1_to_v2(kEmptyUpdate));
  constexpr std::uint8_t kEmptyStateVector[] = {0};
  if (target == "update-v1") return to.replica.doc->apply_update(bytes);
  if (target == "merge-v1")
    return status(crdt::merge_updates_v1(std::vector<Bytes>{bytes, kEmptyUpdate}));
  if (target == "update-v2") return to.replica.doc->apply_update_v2(bytes);
  if (target == "merge-v2")
    return status(crdt::merge_updates_v2(std::vector<Bytes>{bytes, kEmptyUpdateV2}));
  if (target == "diff-v2") return status(crdt::diff_update_v2(bytes, kEmptyStateVector));
  if (target == "convert-v1") return status(crdt::convert_v1_to_v2(bytes));
  if (target == "convert-v2") return status(crdt::convert_v2_to_v1(bytes));
  if (target == "diff-v1") return status(crdt::diff_update_v1(bytes, kEmptyStateVector));
  if (target == "sv") return status(to.replica.doc->encode_state_as_update(bytes));
  if (target == "awareness") return status(to.awareness.apply(bytes, 0));
  if (target == "sync") return status(handle_sync_message(*to.replica.doc, bytes));
  if (target == "snapshot-v1") return status(crdt::decode_snapshot_v1(bytes));
  if (target == "snapshot-v2") return status(crdt::decode_snapshot_v2(bytes));
  if (target == "relpos") return feed_position(bytes, *to.replica.doc);
  if (target == "frame") return status(protocol::decode_frame(bytes));
  return std::nullopt;
}

// Those that leave no trace in what they are given to: only an error can tell that they refused.
bool has_no_effect(std::string_view target) {
  for (const std::string_view known :
       {"merge-", "diff-", "convert-", "snapshot-", "sv", "relpos", "frame"}) {
    if (target.starts_with(known)) return true;
  }
  return false;
}

OrderedJson awareness_list(const protocol::Awareness& awareness) {
  OrderedJson states = OrderedJson::array();
  OrderedJson clocks = OrderedJson::array();
  for (const auto& [client, entry] : awareness.entries()) {
    clocks.push_back({client, entry.clock});
    if (entry.state_json) states.push_back({client, need(parse_ordered_json(*entry.state_json))});
  }
  return {states, clocks};
}

void expect_accepted(const OrderedJson& accept, const Target& to, Report& report) {
  if (accept.contains("awareness")) {
    OrderedJson expected = accept.at("awareness");
    for (OrderedJson& list : expected) std::sort(list.begin(), list.end());
    OrderedJson got = awareness_list(to.awareness);
    return report.expect("awareness", expected, got);
  }
  expect_document(to.replica, accept, report);
}

}  // namespace

bool run_malformed_step(const CaseFile& kase, const OrderedJson& step, Report& report) {
  if (step.at("op") != "malformed") return false;
  Target to;
  to.replica =
      make_replica({{"client", kClient}}, kase.json.value("roots", OrderedJson::object()), true);
  if (kase.json.contains("base")) {
    need(to.replica.doc->apply_update(need(to_bytes(kase.json.at("base")))));
  }
  const Buffer before = to.replica.doc->encode_state_as_update();
  const OrderedJson awareness_before = awareness_list(to.awareness);
  const Buffer bytes = need(to_bytes(step.at("bytes")));
  const MemoryMeter memory;
  const double start = cpu_ms();
  const auto target = step.at("target").get<std::string>();
  const std::optional<Status> fed = feed(target, bytes, to);
  const double spent = cpu_ms() - start;
  const std::size_t peak = memory.peak();
  if (!fed) {
    report.unsupported(target);
    return true;
  }
  const std::string note = step.value("note", "");
  const bool trap = kase.name.find("quadratic-traps") != std::string::npos ||
                    kase.name.find("deep-type-nesting") != std::string::npos;
  if (spent > (trap ? 2000 : 200) * kSlowness)
    report.fail(note, fmt::format("took {:.0f} ms", spent));
  if (peak > kMaxMemory) report.fail(note, fmt::format("took {} octets of memory", peak));
  if (const Status right = to.replica.doc->check_invariants(); !right)
    report.fail(note, right.error().message);
  const bool unchanged = to.replica.doc->encode_state_as_update() == before &&
                         !to.replica.doc->has_pending() &&
                         awareness_list(to.awareness) == awareness_before;
  const auto kind = step.at("class").get<std::string>();
  if (*fed && kind == "reject" && has_no_effect(target)) report.fail(note, "accepted");
  if (!*fed || kind != "accept-or-reject") {
    if (!unchanged)
      report.fail(note, *fed ? "accepted, with effect" : "refused, but the state changed");
    return true;
  }
  if (step.contains("accept")) expect_accepted(step.at("accept"), to, report);
  return true;
}

}  // namespace diaryx::compat
