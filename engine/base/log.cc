#include "engine/base/log.h"

#include <utility>

namespace diaryx {
namespace {

StructuredLogSink& sink() {
  static StructuredLogSink the_sink;
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

std::string with_fields(std::string_view text, LogFields fields) {
  std::string out(text);
  for (std::size_t i = 0; i < fields.size(); ++i) {
    out.append(i == 0 ? " (" : " ").append(fields[i].key).append("=");
    if (const auto* number = std::get_if<std::int64_t>(&fields[i].value)) {
      out.append(std::to_string(*number));
    } else {
      out.append(std::get<std::string_view>(fields[i].value));
    }
  }
  return fields.empty() ? out : out + ")";
}

void set_log_sink(LogSink new_sink, LogLevel minimum) {
  StructuredLogSink flat;
  if (new_sink) {
    flat = [plain = std::move(new_sink)](LogLevel level, std::string_view area,
                                         std::string_view text, LogFields fields) {
      plain(level, area, fields.empty() ? std::string(text) : with_fields(text, fields));
    };
  }
  set_structured_log_sink(std::move(flat), minimum);
}

void set_structured_log_sink(StructuredLogSink new_sink, LogLevel minimum) {
  sink() = std::move(new_sink);
  g_minimum = minimum;
}

bool log_enabled(LogLevel level) noexcept {
  return level >= g_minimum && static_cast<bool>(sink());
}

void log(LogLevel level, std::string_view area, std::string_view text,
         std::initializer_list<LogField> fields) {
  if (log_enabled(level)) sink()(level, area, text, LogFields(fields.begin(), fields.size()));
}

}  // namespace diaryx
