// Conditional requests (RFC 9110 §13): which version of a file the client means.
//
//   ETag: "<64 hexadecimal digits>"   SHA-256 of the octets: strong, the same on every machine
//
// Who writes over something says by If-Match what; who makes something new may say If-None-Match:
// *.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "engine/base/hash.h"
#include "web/http_request.h"

namespace diaryx::web {

std::string to_hex(const Sha256& hash);
std::string etag_of(const Sha256& hash);

// Is `etag` in the list, or the list "*"? Strongly: a weak tag is equal to nothing (If-Match). Not
// strongly: W/"x" means "x" (If-None-Match).
bool lists_etag(std::string_view list, std::string_view etag, bool strongly);

// May it be read as an answer, or does the client have it (304)?
bool has_it_already(const HttpRequest& request, std::string_view etag);

// May a request that changes `current` (nothing: there is none) go on? 0: yes; else 412, or 428 if
// `required` and there is something that the request does not name.
int check_change(const HttpRequest& request, const std::optional<std::string>& current,
                 bool required);

}  // namespace diaryx::web
