// Log lines on standard error: for people, or one JSON object a line for programs.
//
//   {"time":"2025-01-31T12:00:00.123Z","level":"info","event":"http","message":"answered","status":200}
//
// time   UTC, ms. event: the part of the program. The fields after message are the line's own.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "cli/command.h"
#include "engine/base/log.h"

namespace diaryx::cli {

// Warnings and errors; with --log-json also what matters to an operator, with -v more, with -q
// errors only. Once, before any thread starts.
void log_to_stderr(const GlobalOptions& options);

std::string json_log_line(std::int64_t wall_ms, LogLevel level, std::string_view area,
                          std::string_view text, LogFields fields);

}  // namespace diaryx::cli
