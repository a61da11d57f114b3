#include "web/metrics.h"

#include <algorithm>

#include <fmt/format.h>

namespace diaryx::web {
namespace {

std::string seconds(std::uint64_t us) {
  return fmt::format("{}.{:06}", us / 1'000'000, us % 1'000'000);
}

// 100 → "0.0001"
std::string bound(std::uint64_t us) {
  std::string text = seconds(us);
  while (text.back() == '0') text.pop_back();
  if (text.back() == '.') text.pop_back();
  return text;
}

}  // namespace

void LatencyHistogram::add(std::uint64_t us) noexcept {
  const auto at = std::lower_bound(kBoundsUs.begin(), kBoundsUs.end(), us);
  buckets_[static_cast<std::size_t>(at - kBoundsUs.begin())].add();
  sum_us_.add(us);
}

std::uint64_t LatencyHistogram::count() const noexcept {
  std::uint64_t sum = 0;
  for (const Counter& bucket : buckets_) sum += bucket.get();
  return sum;
}

std::string_view to_string(Refusal reason) noexcept {
  switch (reason) {
    case Refusal::Host:
      return "host";
    case Refusal::Origin:
      return "origin";
    case Refusal::NotAuthenticated:
      return "not_authenticated";
    case Refusal::TooMany:
      return "too_many";
    case Refusal::OtherEpoch:
      return "other_epoch";
    case Refusal::NoEndpoint:
      return "no_endpoint";
    case Refusal::Malformed:
      return "malformed";
    case Refusal::TooSlow:
      return "too_slow";
    case Refusal::Stopping:
      return "stopping";
  }
  return "other";
}

void Metrics::answered(int status, std::uint64_t us) noexcept {
  requests[static_cast<std::size_t>(std::clamp(status / 100, 0, 5))].add();
  if (status == 401) refuse(Refusal::NotAuthenticated);
  if (status == 429) refuse(Refusal::TooMany);
  request_time.add(us);
}

void MetricsText::family(std::string_view name, std::string_view type, std::string_view help) {
  name_ = name;
  out_.append("# HELP ").append(name).append(" ").append(help);
  out_.append("\n# TYPE ").append(name).append(" ").append(type).append("\n");
}

void MetricsText::line(std::string_view suffix, Labels labels, std::string_view value) {
  out_.append(name_).append(suffix);
  char separator = '{';
  for (const auto& [key, text] : labels) {
    // Label values are names of ours: nothing in them needs escaping.
    out_.push_back(std::exchange(separator, ','));
    out_.append(key).append("=\"").append(text).append("\"");
  }
  if (separator == ',') out_.push_back('}');
  out_.append(" ").append(value).append("\n");
}

void MetricsText::sample(std::uint64_t value, Labels labels) {
  line({}, labels, std::to_string(value));
}

void MetricsText::sample_seconds(std::uint64_t us, Labels labels) {
  line({}, labels, seconds(us));
}

void MetricsText::histogram(std::string_view name, std::string_view help,
                            const LatencyHistogram& histogram) {
  family(name, "histogram", help);
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < LatencyHistogram::kBoundsUs.size(); ++i) {
    sum += histogram.bucket(i);
    line("_bucket", {{"le", bound(LatencyHistogram::kBoundsUs[i])}}, std::to_string(sum));
  }
  sum += histogram.bucket(LatencyHistogram::kBoundsUs.size());
  line("_bucket", {{"le", "+Inf"}}, std::to_string(sum));
  line("_sum", {}, seconds(histogram.sum_us()));
  line("_count", {}, std::to_string(sum));
}

void MetricsText::counter(std::string_view name, std::string_view help, std::uint64_t value) {
  family(name, "counter", help);
  sample(value);
}

void MetricsText::gauge(std::string_view name, std::string_view help, std::uint64_t value) {
  family(name, "gauge", help);
  sample(value);
}

}  // namespace diaryx::web
