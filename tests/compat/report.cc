#include "tests/compat/report.h"

#include <fmt/format.h>

#include "tests/compat/values.h"

namespace diaryx::compat {

void Report::begin_step(std::size_t number, std::string_view op) {
  ++steps_;
  step_is_unsupported_ = false;
  step_ = fmt::format("step {} {}", number, op);
}

void Report::fail(std::string_view what, std::string_view detail) {
  failures_.push_back(fmt::format("{}: {}: {}", step_, what, detail));
}

void Report::unsupported(std::string_view what) {
  missing_.insert(std::string(what));
  if (!step_is_unsupported_) ++unsupported_steps_;
  step_is_unsupported_ = true;
}

void Report::expect(std::string_view what, const OrderedJson& expected, const OrderedJson& got) {
  if (const std::string text = difference(expected, got); !text.empty()) fail(what, text);
}

void Report::expect_bytes(std::string_view what, const OrderedJson& expected, Bytes got) {
  if (level_ < Level::Canonical) return;
  if (const std::string text = byte_difference(expected, got); !text.empty()) fail(what, text);
}

}  // namespace diaryx::compat
