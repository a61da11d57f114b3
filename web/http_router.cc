#include "web/http_router.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstring>
#include <optional>
#include <regex>
#include <set>

#include <httplib.h>

#include "engine/base/check.h"
#include "engine/base/log.h"
#include "web/http_status.h"

namespace diaryx::web {
namespace {

// What cpp-httplib takes for a socket.
class ExchangeStream final : public httplib::Stream {
 public:
  ExchangeStream(std::string_view head, Exchange& exchange) : head_(head), exchange_(exchange) {}
  bool is_readable() const override { return !head_.empty(); }
  bool is_writable() const override { return true; }
  ssize_t read(char* to, std::size_t size) override {
    size = std::min(size, head_.size());
    std::memcpy(to, head_.data(), size);
    head_.remove_prefix(size);
    return static_cast<ssize_t>(size);
  }
  ssize_t write(const char* from, std::size_t size) override {
    return exchange_.write({from, size}) ? static_cast<ssize_t>(size) : -1;
  }
  void get_remote_ip_and_port(std::string& ip, int& port) const override {
    ip = exchange_.peer.address;
    port = exchange_.peer.port;
  }
  void get_local_ip_and_port(std::string& ip, int& port) const override {
    ip.clear();
    port = 0;
  }
  socket_t socket() const override { return INVALID_SOCKET; }

 private:
  std::string_view head_;
  Exchange& exchange_;
};

// cpp-httplib hands handlers its own request only; the exchange it stands for is the one this
// thread is working on.
thread_local Exchange* current_exchange = nullptr;
// A reply has been written: an error's body, or that it has none, is no longer to be chosen.
thread_local bool answered = false;
// Of the answer that is being made: for on_answer().
thread_local int answered_status = 0;
thread_local std::string_view answered_pattern;

// Fields that every response has unless its reply says otherwise.
constexpr auto& kUsualFields = kSafeFields;

struct Range {
  std::uint64_t first;
  std::uint64_t count;
};
// "bytes=2-5", "bytes=2-", "bytes=-3". Nothing if it is anything else, several ranges at once
// included: a server may ignore what it does not like, and several would multiply the answer. A
// count of 0: there is no such part.
std::optional<Range> parse_range(std::string_view text, std::uint64_t size) {
  constexpr std::string_view kUnit = "bytes=";
  if (text.substr(0, kUnit.size()) != kUnit) return std::nullopt;
  text.remove_prefix(kUnit.size());
  const std::size_t dash = text.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const auto number = [](std::string_view digits) -> std::optional<std::uint64_t> {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
    return value;
  };
  const std::string_view before = text.substr(0, dash);
  const std::string_view after = text.substr(dash + 1);
  if (before.empty()) {
    const auto last = number(after);
    if (!last) return std::nullopt;
    const std::uint64_t count = std::min(*last, size);
    return Range{size - count, count};
  }
  const auto first = number(before);
  const auto last = after.empty() ? std::optional<std::uint64_t>(UINT64_MAX) : number(after);
  if (!first || !last || *last < *first) return std::nullopt;
  if (*first >= size) return Range{0, 0};
  return Range{*first, std::min(*last, size - 1) - *first + 1};
}

void write_reply(Reply reply, const HttpRequest& request, httplib::Response& out) {
  answered = true;
  answered_status = reply.status;
  out.status = reply.status;
  if (reply.status == 429) out.set_header("Retry-After", std::string(kRetryAfterSeconds));
  for (const auto& [name, value] : kUsualFields) {
    const auto same = [&, n = std::string_view(name)](const auto& field) {
      return field.first == n;
    };
    if (std::none_of(reply.fields.begin(), reply.fields.end(), same)) out.set_header(name, value);
  }
  for (const auto& [name, value] : reply.fields) out.set_header(name, value);
  if (reply.content_type.empty()) return;
  // Shared with the provider, which runs when this call is over.
  const auto owned = std::make_shared<const std::string>(std::move(reply.body));
  const std::string_view body =
      reply.lasting_body.empty() ? std::string_view(*owned) : reply.lasting_body;
  const std::uint64_t size = reply.source ? reply.source->size() : body.size();
  const auto range = reply.status == 200 && request.method == "GET"
                         ? parse_range(request.field("range").value_or(""), size)
                         : std::nullopt;
  if (range && range->count == 0) {
    out.status = 416;
    out.set_header("Content-Range", "bytes */" + std::to_string(size));
    out.set_content(error_body(416), "application/json");
    return;
  }
  const std::uint64_t first = range ? range->first : 0;
  const std::uint64_t count = range ? range->count : size;
  if (range) {
    out.status = 206;
    out.set_header("Content-Range", "bytes " + std::to_string(first) + "-" +
                                        std::to_string(first + count - 1) + "/" +
                                        std::to_string(size));
  }
  if (count == 0) {
    out.set_content(std::string(), reply.content_type);
    return;
  }
  // A provider, and not set_content(), because the latter copies once more and compresses if the
  // client likes.
  out.set_content_provider(count, reply.content_type,
                           [owned, body, source = reply.source, first](
                               std::size_t at, std::size_t length, httplib::DataSink& sink) {
                             if (!source) return sink.write(body.data() + first + at, length);
                             std::array<char, 64U << 10U> buffer;
                             const std::size_t got = source->read(first + at, buffer.data(),
                                                                  std::min(length, buffer.size()));
                             return got > 0 && sink.write(buffer.data(), got);
                           });
}

}  // namespace

Reply Reply::json(int status, std::string text) {
  return {.status = status, .content_type = "application/json", .body = std::move(text)};
}

Reply Reply::text(int status, std::string_view text) {
  return {.status = status, .content_type = "text/plain; charset=utf-8", .body = std::string(text)};
}

Reply Reply::of(const Result<OrderedJson>& result) {
  return result ? json(200, dump_json(*result)) : error(result.error());
}

Reply Reply::error(int status, std::string_view message) {
  return json(status, error_body(status, message));
}

Reply Reply::error(const Error& error) {
  return Reply::error(status_of(error.code), error.message);
}

struct HttpRouter::Impl : httplib::Server {
  Impl() {
    svr_sock_ = 0;  // Without one, content providers stop. It is never used as a socket.
    set_keep_alive_timeout(30);
    set_keep_alive_max_count(1'000'000);
    set_exception_handler(
        [](const httplib::Request&, httplib::Response& out, std::exception_ptr thrown) {
          std::string what = "unknown exception";
          try {
            std::rethrow_exception(thrown);
          } catch (const std::exception& e) {
            what = e.what();
          } catch (...) {
          }
          log(LogLevel::Error, "http", "handler failed: " + what);
          write_reply(Reply::error(500), current_exchange->request, out);
        });
    set_error_handler([this](const httplib::Request& in, httplib::Response& out) {
      if (answered) return;
      write_reply(Reply::error(out.status), current_exchange->request, out);
      if (out.status == 405) out.set_header("Allow", methods_for(in.path));
    });
  }
  ~Impl() override { svr_sock_ = INVALID_SOCKET; }

  bool run(httplib::Stream& stream, bool keep_alive) {
    bool closed = false;
    return process_request(stream, !keep_alive, closed, nullptr) && !closed;
  }

  // "GET, HEAD, POST": what the path knows; empty if there is no such path.
  std::string methods_for(const std::string& path) const {
    std::set<std::string> methods;
    for (const auto& [method, pattern] : known) {
      if (!std::regex_match(path, pattern)) continue;
      methods.insert(method);
      if (method == "GET") methods.insert("HEAD");
    }
    std::string out;
    for (const std::string& method : methods) out.append(out.empty() ? "" : ", ").append(method);
    return out;
  }

  std::vector<std::pair<std::string, std::regex>> known;
  std::vector<Route> routes;
  ReaderCheck may_read;
  std::function<void(const Answered&)> listener;
};

HttpRouter::HttpRouter() : impl_(std::make_unique<Impl>()) {
  impl_->set_pre_routing_handler([this](const httplib::Request& in, httplib::Response& out) {
    const std::string methods = impl_->methods_for(in.path);
    if (methods.empty()) {
      out.status = 404;
    } else if ((", " + methods + ",").find(", " + in.method + ",") == std::string::npos) {
      out.status = 405;
    } else {
      return httplib::Server::HandlerResponse::Unhandled;
    }
    return httplib::Server::HandlerResponse::Handled;
  });
}
HttpRouter::~HttpRouter() = default;

void HttpRouter::add(std::string_view method, const std::string& pattern, Door door,
                     Handler handler) {
  impl_->known.emplace_back(method, std::regex(pattern));
  impl_->routes.push_back({std::string(method), pattern, door});
  auto run = [this, door, pattern, handler = std::move(handler)](const httplib::Request& in,
                                                                 httplib::Response& out) {
    answered_pattern = pattern;  // Lives as long as the route.
    const Exchange& exchange = *current_exchange;
    if (door != Door::Open && !exchange.is_owner) {
      const int status = door == Door::Reader && impl_->may_read
                             ? impl_->may_read(exchange.request, exchange.peer)
                             : 401;
      if (status != 200) return write_reply(Reply::error(status), exchange.request, out);
    }
    Call call{exchange.request, exchange.peer, in.path, {}, exchange.sink.get()};
    for (std::size_t i = 1; i < in.matches.size(); ++i) call.parts.push_back(in.matches[i].str());
    write_reply(handler(call), exchange.request, out);
  };
  if (method == "GET")
    impl_->Get(pattern, std::move(run));
  else if (method == "POST")
    impl_->Post(pattern, std::move(run));
  else if (method == "PUT")
    impl_->Put(pattern, std::move(run));
  else if (method == "PATCH")
    impl_->Patch(pattern, std::move(run));
  else if (method == "DELETE")
    impl_->Delete(pattern, std::move(run));
  else
    DX_CHECK(method == "OPTIONS");
}

void HttpRouter::on_answer(std::function<void(const Answered&)> listener) {
  impl_->listener = std::move(listener);
}

void HttpRouter::may_read(ReaderCheck check) {
  impl_->may_read = std::move(check);
}

const std::vector<HttpRouter::Route>& HttpRouter::routes() const noexcept {
  return impl_->routes;
}

void HttpRouter::handle(Exchange& exchange) {
  const HttpRequest& request = exchange.request;
  std::string head = request.method + " " + request.target + " HTTP/1.1\r\n";
  head.append("Content-Length: 0\r\n\r\n");
  ExchangeStream stream(head, exchange);
  bool keep_alive = false;
  current_exchange = &exchange;
  answered = false;
  answered_status = 0;
  answered_pattern = {};
  const auto begun = std::chrono::steady_clock::now();
  try {
    keep_alive = impl_->run(stream, request.keep_alive) && request.keep_alive;
  } catch (const std::exception& e) {
    log(LogLevel::Error, "http", std::string("request failed: ") + e.what());
  }
  current_exchange = nullptr;
  if (impl_->listener) {
    const auto took = std::chrono::steady_clock::now() - begun;
    impl_->listener({exchange, answered_pattern, answered_status,
                     static_cast<std::uint64_t>(
                         std::chrono::duration_cast<std::chrono::microseconds>(took).count())});
  }
  exchange.finish(keep_alive);
}

}  // namespace diaryx::web
