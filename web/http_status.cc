#include "web/http_status.h"

#include <array>

#include "engine/base/json.h"

namespace diaryx::web {
namespace {

struct StatusWords {
  int status;
  std::string_view phrase;
  std::string_view name;
  std::string_view message;  // When nothing better is known.
};

constexpr std::array<StatusWords, 26> kStatuses = {{
    {200, "OK", "ok", "done"},
    {400, "Bad Request", "malformed", "the request is not well-formed"},
    {401, "Unauthorized", "not_authenticated",
     "open the address that serve printed, or send its token"},
    {403, "Forbidden", "not_allowed", "this is not allowed"},
    {404, "Not Found", "not_found", "there is nothing here"},
    {405, "Method Not Allowed", "method_not_allowed", "this address does not know that method"},
    {408, "Request Timeout", "too_slow", "the request took too long to arrive"},
    {409, "Conflict", "conflict", "somebody else changed it first"},
    {412, "Precondition Failed", "precondition_failed",
     "it is not, or no longer, what the request takes it to be"},
    {413, "Payload Too Large", "too_large", "the body is larger than is accepted here"},
    {414, "URI Too Long", "too_long", "the address is longer than 4 KiB"},
    {415, "Unsupported Media Type", "unsupported", "encoded bodies are not accepted"},
    {416, "Range Not Satisfiable", "bad_range", "the file has no such range"},
    {422, "Unprocessable Entity", "invalid", "the request makes no sense"},
    {426, "Upgrade Required", "upgrade_required", "this address speaks WebSocket, version 13"},
    {428, "Precondition Required", "precondition_required",
     "it exists: say by If-Match which version you have seen"},
    {429, "Too Many Requests", "too_many", "too many failed attempts; wait a minute"},
    {431, "Request Header Fields Too Large", "too_large",
     "the request's head is larger than 16 KiB or has over 100 fields"},
    {500, "Internal Server Error", "internal", "something went wrong here"},
    {501, "Not Implemented", "method_not_known", "this server does not know that method"},
    {503, "Service Unavailable", "unavailable", "the server is stopping"},
    {505, "HTTP Version Not Supported", "version_not_supported",
     "only HTTP/1.0 and HTTP/1.1 are spoken here"},
    {507, "Insufficient Storage", "no_space", "the disk is full"},
    {201, "Created", "ok", "made"},
    {304, "Not Modified", "ok", "as you have it"},
    {204, "No Content", "ok", "done"},
}};

const StatusWords& words(int status) {
  for (const StatusWords& entry : kStatuses) {
    if (entry.status == status) return entry;
  }
  return words(500);
}

}  // namespace

std::string_view reason_phrase(int status) noexcept {
  return words(status).phrase;
}
std::string_view error_name(int status) noexcept {
  return words(status).name;
}

std::string error_body(int status, std::string_view message) {
  OrderedJson body;
  body["error"] = error_name(status);
  body["message"] = message.empty() ? words(status).message : message;
  return dump_json(body);
}

int status_of(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::Malformed:
    case ErrorCode::InvalidArgument:
      return 400;
    case ErrorCode::LimitExceeded:
      return 413;
    case ErrorCode::NotFound:
      return 404;
    case ErrorCode::AlreadyExists:
    case ErrorCode::Conflict:
      return 409;
    case ErrorCode::NotAllowed:
      return 403;
    case ErrorCode::Busy:
    case ErrorCode::Interrupted:
      return 503;
    case ErrorCode::NoSpace:
      return 507;
    case ErrorCode::Unsupported:
      return 422;
    case ErrorCode::Io:
    case ErrorCode::Corrupt:
    case ErrorCode::TooNew:
      return 500;
  }
  return 500;
}

std::string simple_response(int status, std::string_view content_type, std::string_view body,
                            std::string_view extra_fields) {
  std::string out = "HTTP/1.1 ";
  out.append(std::to_string(status)).append(" ").append(reason_phrase(status)).append("\r\n");
  out.append("Content-Type: ").append(content_type).append("\r\n");
  out.append("Content-Length: ").append(std::to_string(body.size())).append("\r\n");
  for (const auto& [name, value] : kSafeFields)
    out.append(name).append(": ").append(value).append("\r\n");
  if (status == 429) out.append("Retry-After: ").append(kRetryAfterSeconds).append("\r\n");
  out.append(extra_fields).append("Connection: close\r\n\r\n").append(body);
  return out;
}

}  // namespace diaryx::web
