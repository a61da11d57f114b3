// What came of one case: the differences, what could not be run, and how much was compared.
#pragma once

#include <cstddef>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/bytes.h"
#include "engine/base/json.h"
#include "engine/base/result.h"

namespace diaryx::compat {

// How much must be equal. Each level includes those before it.
enum class Level {
  Content = 1,    // Values and state vectors.
  Canonical = 2,  // Bytes, once all neighbouring GC structs are merged.
  Exact = 3,  // Bytes as Yjs leaves them. A document whose GC structs Yjs left unmerged may have
              // the bytes of level 2.
};

// The value of a result, or an exception that fails the step: what must not fail in a sound case
// may well fail in the engine that is on trial, and the other cases are to be run all the same.
template <class T>
T need(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return std::move(result).value();
}
inline void need(const Status& status) {
  if (!status) throw std::runtime_error(status.error().message);
}

class Report {
 public:
  explicit Report(Level level) : level_(level) {}

  Level level() const noexcept { return level_; }
  void begin_step(std::size_t number, std::string_view op);

  // The step differs from what is expected.
  void fail(std::string_view what, std::string_view detail);
  // The step, or what it needs, cannot be run yet. Skips the case, unless another step fails.
  void unsupported(std::string_view what);
  // An expectation in update format v2 was left out, the one in v1 beside it compared.
  void left_out_v2() { v1_only_ = true; }

  // Fail if the two differ.
  void expect(std::string_view what, const OrderedJson& expected, const OrderedJson& got);
  // Bytes: only compared from level 2 on.
  void expect_bytes(std::string_view what, const OrderedJson& expected, Bytes got);

  const std::vector<std::string>& failures() const noexcept { return failures_; }
  const std::set<std::string>& missing() const noexcept { return missing_; }
  std::size_t steps() const noexcept { return steps_; }
  std::size_t unsupported_steps() const noexcept { return unsupported_steps_; }
  bool v1_only() const noexcept { return v1_only_; }

 private:
  Level level_;
  std::size_t steps_ = 0;
  std::size_t unsupported_steps_ = 0;
  bool step_is_unsupported_ = false;
  bool v1_only_ = false;
  std::string step_;
  std::vector<std::string> failures_;
  std::set<std::string> missing_;
};

}  // namespace diaryx::compat
