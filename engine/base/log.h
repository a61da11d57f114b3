// A log line: level, area, text. The engine only hands lines over; cli/ decides whether and where
// they are printed.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace diaryx {

enum class LogLevel { Debug, Info, Warning, Error };
std::string_view to_string(LogLevel level) noexcept;

// Called on whatever thread logs; must be safe for that. Never pass a token or a join code to it.
using LogSink = std::function<void(LogLevel, std::string_view area, std::string_view text)>;

// Process-wide, set once by main before any thread starts. Without a sink, lines are dropped.
void set_log_sink(LogSink sink, LogLevel minimum);
bool log_enabled(LogLevel level) noexcept;
void log(LogLevel level, std::string_view area, std::string_view text);

}  // namespace diaryx
