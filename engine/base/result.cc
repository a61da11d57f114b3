#include "engine/base/result.h"

#include <cstdio>
#include <cstdlib>

#include "engine/base/check.h"

namespace diaryx {

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

}  // namespace diaryx
