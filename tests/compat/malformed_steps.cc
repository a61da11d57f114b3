#include "tests/compat/malformed_steps.h"

#include <array>
#include <ctime>

#include <fmt/format.h>

#include "engine/crdt/update.h"
#include "engine/protocol/awareness.h"
#include "engine/protocol/frame.h"
#include "tests/compat/awareness_steps.h"
#include "tests/compat/memory_meter.h"
#include "tests/compat/replica.h"
#include "tests/compat/sync_reply.h"
#include "tests/compat/values.h"

namespace diaryx::compat {
namespace {

constexpr std::size_t kMaxExtraBytes = 64U << 20U;
constexpr std::uint64_t kClient = 900001;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr double kSlowness = 10;  // What the sanitizers cost.
#else
constexpr double kSlowness = 1;
#endif

// Two families of cases are allowed to cost more.
double max_seconds(const CaseFile& kase) {
  const bool heavy = kase.name.find("quadratic-traps") != std::string::npos ||
                     kase.name.find("deep-type-nesting") != std::string::npos;
  return (heavy ? 2.0 : 0.2) * kSlowness;
}

// Of this process: other programs on the machine do not count.
double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

struct Target {
  Replica replica;
  protocol::Awareness awareness;
};

Status dropped(const Result<Buffer>& result) {
  if (result) return {};
  return Error(result.error());
}

Status feed(std::string_view target, Bytes bytes, Target& at) {
  if (target == "update-v1") return at.replica.doc().apply_update(bytes);
  if (target == "merge-v1") {
    constexpr std::array<std::uint8_t, 2> kEmptyUpdate{0, 0};
    const std::array<Bytes, 2> both{bytes, Bytes(kEmptyUpdate)};
    return dropped(crdt::merge_updates_v1(both));
  }
  if (target == "diff-v1") {
    constexpr std::array<std::uint8_t, 1> kEmptyVector{0};
    return dropped(crdt::diff_update_v1(bytes, kEmptyVector));
  }
  if (target == "sv") return dropped(at.replica.doc().encode_state_as_update(bytes));
  if (target == "awareness") {
    if (const auto events = at.awareness.apply(bytes, 0); !events) return Error(events.error());
    return {};
  }
  if (target == "sync") {
    if (const auto reply = handle_sync_message(at.replica.doc(), bytes); !reply)
      return Error(reply.error());
    return {};
  }
  if (target == "frame") {
    if (const auto frame = protocol::decode_frame(bytes); !frame) return Error(frame.error());
    return {};
  }
  return Error{ErrorCode::Unsupported, fmt::format("target {}", target)};
}

// [[client, state]…], [[client, clock]…]
OrderedJson awareness_pairs(const protocol::Awareness& awareness) {
  const OrderedJson view = awareness_view(awareness);
  OrderedJson both = OrderedJson::array();
  for (const char* part : {"states", "clocks"}) {
    OrderedJson pairs = OrderedJson::array();
    for (const auto& [client, value] : view.at(part).items()) {
      pairs.push_back(OrderedJson::array({std::stoull(client), value}));
    }
    both.push_back(std::move(pairs));
  }
  return both;
}

void check_accepted(const OrderedJson& step, const Target& target, Report& report) {
  const OrderedJson& accept = step.at("accept");
  if (accept.contains("awareness")) {
    report.expect("accepted", accept.at("awareness"), awareness_pairs(target.awareness));
  } else {
    target.replica.check(accept, report);
  }
}

}  // namespace

bool run_malformed_step(const CaseFile& kase, const OrderedJson& step, Report& report) {
  if (step.at("op") != "malformed") return false;
  const auto name = step.at("target").get<std::string>();
  Target target{Replica({{"id", "m"}, {"client", kClient}}, kase.json.at("roots")),
                protocol::Awareness(kClient)};
  if (!target.replica.blocked().empty()) {
    report.unsupported(target.replica.blocked());
    return true;
  }
  if (kase.json.contains("base")) {
    const auto based = target.replica.doc().apply_update(to_bytes(kase.json.at("base")).value());
    if (!based) {
      report.fail("base", based.error().message);
      return true;
    }
  }
  const Buffer before = target.replica.fingerprint();
  const OrderedJson presence_before = awareness_view(target.awareness);
  const Buffer bytes = to_bytes(step.at("bytes")).value();

  const MemoryMeter memory;
  const double start = cpu_seconds();
  const Status fed = feed(name, bytes, target);
  const double seconds = cpu_seconds() - start;
  const std::size_t extra_bytes = memory.peak();

  if (!fed && fed.error().code == ErrorCode::Unsupported) {
    report.unsupported(fed.error().message);
    return true;
  }
  if (seconds > max_seconds(kase)) report.fail(name, fmt::format("took {:.0f} ms", seconds * 1000));
  if (extra_bytes > kMaxExtraBytes)
    report.fail(name, fmt::format("took {} octets of memory", extra_bytes));
  if (const auto sound = target.replica.doc().check_invariants(); !sound) {
    report.fail(name, "invariants: " + sound.error().message);
  }
  const bool unchanged = target.replica.fingerprint() == before &&
                         same(awareness_view(target.awareness), presence_before);
  const auto kind = step.at("class").get<std::string>();
  const std::string note = step.value("note", "");
  if (!fed || kind != "accept-or-reject") {
    if (!unchanged)
      report.fail(name,
                  fmt::format("{}changed the state ({})", fed ? "" : "refused, and yet ", note));
  } else {
    check_accepted(step, target, report);
  }
  return true;
}

}  // namespace diaryx::compat
