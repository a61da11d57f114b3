// Which handler answers which address: cpp-httplib's routing and response writing, fed from memory.
//
// cpp-httplib sees the method and the target, and writes into the exchange. What a handler reads
// (fields, query, body) comes from our own parser, so that none of its surprises applies: form
// bodies refused above 8 KiB, bodies unpacked without limit, responses compressed while somebody
// waits, providers asked for ranges outside the content, exceptions told to the client.
//
// add() all routes first; handle() may then be called on several threads at once.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/json.h"
#include "web/exchange.h"

namespace diaryx::web {

// Borrows from the exchange; lives for the length of the handler's call.
struct Call {
  const HttpRequest& request;
  const Peer& peer;
  std::string path;                // Decoded.
  std::vector<std::string> parts;  // What the groups of the route's pattern matched, decoded.
  BodySink* sink = nullptr;        // What took the body, if anything did.
};

// A body that is read piece by piece while it is sent.
class BodySource {
 public:
  virtual ~BodySource() = default;
  virtual std::uint64_t size() const = 0;
  // Up to `size` octets from `offset` on, into `to`; returns how many. 0: it cannot go on, and the
  // connection is closed, which tells the client that the body is not whole.
  virtual std::size_t read(std::uint64_t offset, char* to, std::size_t size) = 0;
};

struct Reply {
  int status = 200;
  std::string content_type = {};  // Empty: no body.
  std::string body = {};
  std::string_view lasting_body =
      {};  // Instead of `body`: octets that live as long as the process.
  std::shared_ptr<BodySource> source = {};  // Instead of either. Shared with the writer of it.
  std::vector<std::pair<std::string, std::string>> fields = {};

  static Reply json(int status, std::string text);
  // 200 and the value, or the error's status.
  static Reply of(const Result<OrderedJson>& result);
  static Reply text(int status, std::string_view text);
  static Reply error(int status, std::string_view message = {});
  static Reply error(const Error& error);
};

enum class Door {
  Open,    // Anybody who may speak to us at all.
  Reader,  // The owner, and guests of a session: may_read() says who they are.
  Owner,   // 401 for others.
};

// Is this request a guest's who may read? 200: yes. 401, 429: what to answer instead. Called on the
// handlers' threads.
using ReaderCheck = std::function<int(const HttpRequest&, const Peer&)>;

class HttpRouter {
 public:
  HttpRouter();
  ~HttpRouter();

  using Handler = std::function<Reply(const Call&)>;
  // `pattern`: an ECMAScript regular expression for the whole path. Prefer [^/]+ to .*, which
  // recurses once a character. GET answers HEAD too.
  void add(std::string_view method, const std::string& pattern, Door door, Handler handler);
  // Without it, Reader is as Owner. Call before handle().
  void may_read(ReaderCheck check);

  // Called on the handlers' threads after each answer. `pattern`: of the route, "" if none matched:
  // unlike the address it holds no secret.
  struct Answered {
    const Exchange& exchange;
    std::string_view pattern;
    int status;
    std::uint64_t duration_us;
  };
  void on_answer(std::function<void(const Answered&)> listener);

  // What has been added, in that order: for holding the documentation to it.
  struct Route {
    std::string method;
    std::string pattern;
    Door door;
  };
  const std::vector<Route>& routes() const noexcept;

  // Answers the request; blocks for as long as the handler does and the reader is behind.
  void handle(Exchange& exchange);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace diaryx::web
