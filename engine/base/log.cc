#include "engine/base/log.h"

#include <cstdio>
#include <cstdlib>

#include "engine/base/check.h"
#include "engine/base/result.h"

namespace diaryx {
namespace {

LogSink& sink() {
  static LogSink the_sink;
  return the_sink;
}
LogLevel g_minimum = LogLevel::Info;

}  // namespace

void check_failed(const char* condition, const char* file, int line) noexcept {
  std::fprintf(stderr, "diaryx-sync: broken invariant at %s:%d: %s\n", file, line, condition);
  std::abort();
}

std::string_view to_string(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::Malformed:
      return "malformed";
    case ErrorCode::LimitExceeded:
      return "limit_exceeded";
    case ErrorCode::InvalidArgument:
      return "invalid_argument";
    case ErrorCode::NotFound:
      return "not_found";
    case ErrorCode::AlreadyExists:
      return "already_exists";
    case ErrorCode::Conflict:
      return "conflict";
    case ErrorCode::NotAllowed:
      return "not_allowed";
    case ErrorCode::Busy:
      return "busy";
    case ErrorCode::NoSpace:
      return "no_space";
    case ErrorCode::Io:
      return "io";
    case ErrorCode::Corrupt:
      return "corrupt";
    case ErrorCode::TooNew:
      return "too_new";
    case ErrorCode::Unsupported:
      return "unsupported";
    case ErrorCode::Interrupted:
      return "interrupted";
  }
  return "unknown";
}

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
