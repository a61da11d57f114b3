// What the server counts, and how it tells: the text format of Prometheus, version 0.0.4.
//
//   # HELP name What it is.
//   # TYPE name counter | gauge | histogram
//   name{label="value"} 12
//
// Counting is one relaxed addition, on whatever thread it happens.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace diaryx::web {

class Counter {
 public:
  void add(std::uint64_t n = 1) noexcept { value_.fetch_add(n, std::memory_order_relaxed); }
  std::uint64_t get() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

// How long something took, from 0.1 ms to 10 s.
class LatencyHistogram {
 public:
  static constexpr std::array<std::uint64_t, 16> kBoundsUs = {
      100,    250,     500,     1'000,   2'500,     5'000,     10'000,    25'000,
      50'000, 100'000, 250'000, 500'000, 1'000'000, 2'500'000, 5'000'000, 10'000'000};
  void add(std::uint64_t us) noexcept;
  std::uint64_t bucket(std::size_t i) const noexcept {
    return buckets_[i].get();
  }  // Not summed up.
  std::uint64_t count() const noexcept;
  std::uint64_t sum_us() const noexcept { return sum_us_.get(); }

 private:
  std::array<Counter, kBoundsUs.size() + 1> buckets_;
  Counter sum_us_;
};

// What the core's turns did.
struct CoreCounts {
  Counter turns;
  Counter messages;        // From clients, handled.
  Counter message_octets;  // Of those.
  Counter relayed;         // Messages to clients: one to three readers counts three.
  Counter relayed_octets;  // Of those.
  LatencyHistogram
      append;  // From the turn's end to its being durable: turns with something to keep.
};

// Why somebody was not let in or not let go on.
enum class Refusal : std::uint8_t {
  Host,              // A name we do not answer to.
  Origin,            // A page that may not talk to us.
  NotAuthenticated,  // Without the token, or with a wrong one.
  TooMany,           // Too many wrong ones.
  OtherEpoch,
  NoEndpoint,  // No WebSocket there.
  Malformed,   // No HTTP, or more of it than we take.
  TooSlow,     // A request that did not arrive in time.
  Stopping,
};
inline constexpr std::size_t kRefusals = 9;
std::string_view to_string(Refusal reason) noexcept;

struct Metrics {
  std::array<Counter, kRefusals> refused;
  std::array<Counter, 6> requests;  // By the status' first digit.
  Counter closed_by_us;             // WebSockets closed with a code of ours for what they did.
  LatencyHistogram request_time;

  void refuse(Refusal reason) noexcept { refused[static_cast<std::size_t>(reason)].add(); }
  void answered(int status, std::uint64_t us) noexcept;
};

// Writes the format.
class MetricsText {
 public:
  using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;
  void family(std::string_view name, std::string_view type, std::string_view help);
  // Of the last family.
  void sample(std::uint64_t value, Labels labels = {});
  void sample_seconds(std::uint64_t us, Labels labels = {});
  void histogram(std::string_view name, std::string_view help, const LatencyHistogram& histogram);
  void counter(std::string_view name, std::string_view help, std::uint64_t value);
  void gauge(std::string_view name, std::string_view help, std::uint64_t value);
  const std::string& text() const noexcept { return out_; }

 private:
  void line(std::string_view suffix, Labels labels, std::string_view value);
  std::string name_;
  std::string out_;
};

}  // namespace diaryx::web
