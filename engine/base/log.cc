#include "engine/base/log.h"

#include <utility>

namespace diaryx {
namespace {

LogSink& sink() {
  static LogSink the_sink;
  return the_sink;
}
LogLevel g_minimum = LogLevel::Info;

}  // namespace

std::string_view to_string(LogLevel level) noexcept {
  switch (level) {
    case LogLevel::Debug:
      return "debug";
    case LogLevel::Info:
      return "info";
    case LogLevel::Warning:
      return "warning";
    case LogLevel::Error:
      return "error";
  }
  return "unknown";
}

void set_log_sink(LogSink new_sink, LogLevel minimum) {
  sink() = std::move(new_sink);
  g_minimum = minimum;
}

bool log_enabled(LogLevel level) noexcept {
  return level >= g_minimum && static_cast<bool>(sink());
}

void log(LogLevel level, std::string_view area, std::string_view text) {
  if (log_enabled(level)) sink()(level, area, text);
}

}  // namespace diaryx
