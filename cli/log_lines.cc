#include "cli/log_lines.h"

#include <cstdio>
#include <ctime>

#include <fmt/format.h>

#include "cli/progress.h"
#include "cli/report.h"
#include "engine/base/clock.h"
#include "engine/base/json.h"

namespace diaryx::cli {
namespace {

// One write a line, so that lines of several threads do not mix.
void write_line(std::string line) {
  ProgressBar::hide_all();
  line.push_back('\n');
  (void)std::fwrite(line.data(), 1, line.size(), stderr);  // As with all output: report.cc.
  (void)std::fflush(stderr);
}

std::string utc(std::int64_t wall_ms) {
  const auto seconds = static_cast<std::time_t>(wall_ms / 1000);
  std::tm time{};
  (void)::gmtime_r(&seconds, &time);  // Fails only for years beyond what tm holds.
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", time.tm_year + 1900,
                     time.tm_mon + 1, time.tm_mday, time.tm_hour, time.tm_min, time.tm_sec,
                     wall_ms % 1000);
}

}  // namespace

std::string json_log_line(std::int64_t wall_ms, LogLevel level, std::string_view area,
                          std::string_view text, LogFields fields) {
  OrderedJson line{
      {"time", utc(wall_ms)}, {"level", to_string(level)}, {"event", area}, {"message", text}};
  for (const LogField& field : fields) {
    if (const auto* number = std::get_if<std::int64_t>(&field.value)) {
      line[std::string(field.key)] = *number;
    } else {
      line[std::string(field.key)] = std::get<std::string_view>(field.value);
    }
  }
  return dump_json(line);
}

void log_to_stderr(const GlobalOptions& options) {
  const LogLevel minimum = options.verbose    ? LogLevel::Debug
                           : options.quiet    ? LogLevel::Error
                           : options.log_json ? LogLevel::Info
                                              : LogLevel::Warning;
  if (options.log_json) {
    set_structured_log_sink(
        [](LogLevel level, std::string_view area, std::string_view text, LogFields fields) {
          write_line(json_log_line(SystemClock().wall_ms(), level, area, text, fields));
        },
        minimum);
    return;
  }
  set_structured_log_sink(
      [](LogLevel level, std::string_view area, std::string_view text, LogFields fields) {
        write_line(fmt::format("diaryx-sync: {}: {}: {}", to_string(level), area,
                               printable(with_fields(text, fields))));
      },
      minimum);
}

}  // namespace diaryx::cli
