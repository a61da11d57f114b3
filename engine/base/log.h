// A log line: level, area, text, and what else a program may want to sort by. The engine only hands
// lines over; cli/ decides whether, where and in which form they are printed.
//
// Never pass a token, a join code, an address's query or a note's text to it.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <variant>

namespace diaryx {

enum class LogLevel { Debug, Info, Warning, Error };
std::string_view to_string(LogLevel level) noexcept;

// Named in lower case, units last: "duration_ms", "octets". Borrows for the call.
struct LogField {
  std::string_view key;
  std::variant<std::string_view, std::int64_t> value;
};
using LogFields = std::span<const LogField>;
// "text (key=value key=value)": for people.
std::string with_fields(std::string_view text, LogFields fields);

// Called on whatever thread logs; must be safe for that.
using LogSink = std::function<void(LogLevel, std::string_view area, std::string_view text)>;
using StructuredLogSink =
    std::function<void(LogLevel, std::string_view area, std::string_view text, LogFields fields)>;

// Process-wide, set once by main before any thread starts. Without a sink, lines are dropped.
void set_log_sink(LogSink sink, LogLevel minimum);
void set_structured_log_sink(StructuredLogSink sink, LogLevel minimum);
bool log_enabled(LogLevel level) noexcept;
void log(LogLevel level, std::string_view area, std::string_view text,
         std::initializer_list<LogField> fields = {});

}  // namespace diaryx
