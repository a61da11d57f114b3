// HTTP/1 requests without a socket: octets in, a request out. http_parser finds the borders; this
// file decides what is let in.
//
// Refused here, before anything else looks at it: a head over 16 KiB or 100 fields (431), a target
// over 4 KiB (414) or not starting with "/" (400), both Content-Length and Transfer-Encoding,
// doubled Content-Length, octets no field may hold (400), HTTP other than 1.0 and 1.1 (505), an
// encoded body (415: nobody may hand us a decompression bomb), a body over the limit that the
// caller names once it has seen the head (413). Fields of a chunked body's trailer are dropped.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace diaryx::web {

struct HttpField {
  std::string name;  // Lower case.
  std::string value;
};

struct HttpRequest {
  std::string method;
  std::string target;  // As sent: path and query, escapes and all.
  std::vector<HttpField> fields;
  std::string body;
  bool keep_alive = false;
  bool http_1_1 = false;
  bool expects_continue = false;  // The client waits for "100 Continue" before it sends the body.
  bool websocket_upgrade =
      false;  // Upgrade: websocket and Connection: upgrade; the rest of the handshake is unchecked.

  // Without the query.
  std::string_view path() const noexcept;
  // Decoded value of a query parameter: the first one, if there are several.
  std::optional<std::string> query(std::string_view name) const;
  // Nothing if absent. If a field comes twice, the first; see count().
  std::optional<std::string_view> field(std::string_view lower_case_name) const noexcept;
  std::size_t count(std::string_view lower_case_name) const noexcept;
};

struct HttpLimits {
  std::size_t head_bytes = 16U << 10U;
  std::size_t fields = 100;
  std::size_t target_bytes = 4U << 10U;
};

// "%C3%A9+a" → "é a". Escapes that are none stay as they are; "+" is a space.
std::string decode_query_component(std::string_view text);
// The same for a path, where "+" is itself.
std::string decode_path(std::string_view text);

class HttpParser {
 public:
  explicit HttpParser(const HttpLimits& limits);
  ~HttpParser();
  HttpParser(const HttpParser&) = delete;
  HttpParser& operator=(const HttpParser&) = delete;

  enum class State {
    Head,      // More octets, please.
    HeadDone,  // request() has everything but the body. Call accept_body() before feeding on.
    Body,      // More octets, please.
    Done,      // The request is whole. What was not consumed belongs to the next one, or to the
               // WebSocket.
    Failed,    // Answer with status() and close.
  };
  State state() const noexcept;
  // True once an octet of the request (not just empty lines before it) has come.
  bool started() const noexcept;
  int status() const noexcept;  // 400, 413, 414, 415, 431, 501, 505.

  // Returns how many octets were taken. Stops at the end of the head, at the end of the request,
  // and at the first fault.
  std::size_t feed(std::string_view octets);
  // HeadDone → Body. A body longer than this fails with 413; one that says so beforehand fails at
  // once.
  void accept_body(std::size_t max_bytes);

  HttpRequest& request() noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace diaryx::web
