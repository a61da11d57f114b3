// Status codes as words: reason phrases, and the JSON that every error of ours has as its body.
//
//   {"error": "not_found", "message": "no such note: a.md"}
//
// `error` is a name to branch on, `message` a sentence for the person.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "engine/base/result.h"

namespace diaryx::web {

// "Not Found".
std::string_view reason_phrase(int status) noexcept;
// "not_found".
std::string_view error_name(int status) noexcept;
std::string error_body(int status, std::string_view message = {});
// What an Error of the engine means to a client: NotFound → 404, Busy → 503, ….
int status_of(ErrorCode code) noexcept;

// What every answer carries unless it says otherwise: nothing runs, frames, sniffs, refers or
// keeps.
inline constexpr std::array<std::pair<const char*, const char*>, 7> kSafeFields = {{
    {"X-Content-Type-Options", "nosniff"},
    {"Referrer-Policy", "no-referrer"},
    {"X-Frame-Options", "DENY"},
    {"Cross-Origin-Opener-Policy", "same-origin"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
    {"Cache-Control", "no-store"},
    {"Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; sandbox"},
}};
// Of every 429: until then some attempts are free again.
inline constexpr std::string_view kRetryAfterSeconds = "60";

// A whole response, to be sent as it is before the connection is closed. `extra_fields`: lines,
// each ending in CRLF.
std::string simple_response(int status, std::string_view content_type, std::string_view body,
                            std::string_view extra_fields = {});

}  // namespace diaryx::web
