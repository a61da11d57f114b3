#include "web/http_request.h"

#include <algorithm>
#include <array>

#include <http_parser.h>

#include "engine/base/check.h"

namespace diaryx::web {
namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

void make_lower(std::string& text) {
  std::transform(text.begin(), text.end(), text.begin(), lower);
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

// RFC 9110 §5.6.2, lower case.
bool is_token(std::string_view text) {
  return text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-.^_`|~") ==
         std::string_view::npos;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char l = lower(c);
  return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

}  // namespace

namespace {

std::string decode_escapes(std::string_view text, char plus) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 &&
        hex_digit(text[i + 2]) >= 0) {
      out.push_back(static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2])));
      i += 2;
    } else {
      out.push_back(text[i] == '+' ? plus : text[i]);
    }
  }
  return out;
}

}  // namespace

std::string decode_query_component(std::string_view text) {
  return decode_escapes(text, ' ');
}
std::string decode_path(std::string_view text) {
  return decode_escapes(text, '+');
}

// --- HttpRequest ---

std::string_view HttpRequest::path() const noexcept {
  return std::string_view(target).substr(0, target.find('?'));
}

std::optional<std::string> HttpRequest::query(std::string_view name) const {
  const std::size_t mark = target.find('?');
  if (mark == std::string::npos) return std::nullopt;
  std::string_view rest = std::string_view(target).substr(mark + 1);
  while (!rest.empty()) {
    const std::string_view pair = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(pair.size() + 1, rest.size()));
    const std::size_t equals = pair.find('=');
    if (decode_query_component(pair.substr(0, equals)) != name) continue;
    return equals == std::string_view::npos ? std::string()
                                            : decode_query_component(pair.substr(equals + 1));
  }
  return std::nullopt;
}

std::optional<std::string_view> HttpRequest::field(
    std::string_view lower_case_name) const noexcept {
  for (const HttpField& f : fields) {
    if (f.name == lower_case_name) return f.value;
  }
  return std::nullopt;
}

std::size_t HttpRequest::count(std::string_view lower_case_name) const noexcept {
  return static_cast<std::size_t>(std::count_if(
      fields.begin(), fields.end(), [&](const HttpField& f) { return f.name == lower_case_name; }));
}

// --- HttpParser ---

struct HttpParser::Impl {
  http_parser parser{};
  HttpRequest request;
  HttpLimits limits;
  HttpField field;  // The one being read; complete once the next one starts.
  bool in_value = false;
  State state = State::Head;
  int status = 400;
  bool started = false;
  std::size_t head_bytes = 0;
  std::size_t max_body_bytes = 0;

  // For http_parser's callbacks: anything but 0 makes it stop.
  int fail(int code) {
    state = State::Failed;
    status = code;
    return 1;
  }
  int count_head(std::size_t bytes) {
    head_bytes += bytes;
    return head_bytes > limits.head_bytes ? fail(431) : 0;
  }
  int on_url(const char* at, std::size_t size) {
    if (request.target.size() + size > limits.target_bytes) return fail(414);
    request.target.append(at, size);
    return count_head(size);
  }
  int on_field(const char* at, std::size_t size) {
    if (state == State::Body)
      return count_head(size);  // A trailer: its size counts, its content does not.
    if (in_value) {
      if (const int stop = end_field()) return stop;
    }
    field.name.append(at, size);
    return count_head(size);
  }
  int on_value(const char* at, std::size_t size) {
    if (state == State::Body) return count_head(size);
    in_value = true;
    field.value.append(at, size);
    return count_head(size);
  }
  int end_field() {
    in_value = false;
    if (field.name.empty()) return 0;
    if (request.fields.size() == limits.fields) return fail(431);
    make_lower(field.name);
    // http_parser, as Debian builds it, lets spaces in names pass.
    if (!is_token(field.name)) return fail(400);
    field.value = std::string(trimmed(field.value));
    if (field.value.find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos)
      return fail(400);
    request.fields.push_back(std::move(field));
    field = {};
    return 0;
  }
  int on_head_complete();
  int on_body(const char* at, std::size_t size) {
    if (size > max_body_bytes - request.body.size()) return fail(413);
    request.body.append(at, size);
    return 0;
  }
  int on_message_complete() {
    state = State::Done;
    http_parser_pause(&parser, 1);
    return 0;
  }
  static const http_parser_settings& settings();
};

int HttpParser::Impl::on_head_complete() {
  if (const int stop = end_field()) return stop;
  request.method = http_method_str(static_cast<http_method>(parser.method));
  request.http_1_1 = parser.http_major == 1 && parser.http_minor == 1;
  if (parser.http_major != 1 || parser.http_minor > 1) return fail(505);
  static constexpr std::array<std::string_view, 7> kMethods = {"GET",   "HEAD",   "POST",   "PUT",
                                                               "PATCH", "DELETE", "OPTIONS"};
  if (std::find(kMethods.begin(), kMethods.end(), request.method) == kMethods.end())
    return fail(501);
  if (request.target.empty() || request.target.front() != '/') return fail(400);
  if (request.http_1_1 && request.count("host") != 1) return fail(400);
  if (request.count("host") > 1 || request.count("origin") > 1) return fail(400);
  const auto encoding = request.field("content-encoding");
  if (encoding && !equal_ignoring_case(*encoding, "identity")) return fail(415);
  request.keep_alive = http_should_keep_alive(&parser) != 0;
  request.expects_continue =
      equal_ignoring_case(request.field("expect").value_or(""), "100-continue");
  request.websocket_upgrade =
      parser.upgrade != 0 &&
      equal_ignoring_case(request.field("upgrade").value_or(""), "websocket");
  if (request.websocket_upgrade && request.method != "GET") return fail(400);
  if (!request.websocket_upgrade)
    parser.upgrade = 0;  // "Upgrade: h2c" and the like are offers that we do not take.
  state = State::HeadDone;
  http_parser_pause(&parser, 1);
  return 0;
}

const http_parser_settings& HttpParser::Impl::settings() {
  static const http_parser_settings made = [] {
    http_parser_settings s{};
    http_parser_settings_init(&s);
    s.on_message_begin = [](http_parser* p) {
      static_cast<Impl*>(p->data)->started = true;
      return 0;
    };
    s.on_url = [](http_parser* p, const char* at, std::size_t n) {
      return static_cast<Impl*>(p->data)->on_url(at, n);
    };
    s.on_header_field = [](http_parser* p, const char* at, std::size_t n) {
      return static_cast<Impl*>(p->data)->on_field(at, n);
    };
    s.on_header_value = [](http_parser* p, const char* at, std::size_t n) {
      return static_cast<Impl*>(p->data)->on_value(at, n);
    };
    // Here 1 and 2 would mean "no body follows" to http_parser; only other values stop it.
    s.on_headers_complete = [](http_parser* p) {
      return static_cast<Impl*>(p->data)->on_head_complete() == 0 ? 0 : 3;
    };
    s.on_body = [](http_parser* p, const char* at, std::size_t n) {
      return static_cast<Impl*>(p->data)->on_body(at, n);
    };
    s.on_message_complete = [](http_parser* p) {
      return static_cast<Impl*>(p->data)->on_message_complete();
    };
    return s;
  }();
  return made;
}

HttpParser::HttpParser(const HttpLimits& limits) : impl_(std::make_unique<Impl>()) {
  impl_->limits = limits;
  http_parser_init(&impl_->parser, HTTP_REQUEST);
  impl_->parser.data = impl_.get();
}
HttpParser::~HttpParser() = default;

HttpParser::State HttpParser::state() const noexcept {
  return impl_->state;
}
bool HttpParser::started() const noexcept {
  return impl_->started;
}
int HttpParser::status() const noexcept {
  return impl_->status;
}
HttpRequest& HttpParser::request() noexcept {
  return impl_->request;
}

std::size_t HttpParser::feed(std::string_view octets) {
  Impl& self = *impl_;
  DX_CHECK(self.state == State::Head || self.state == State::Body);
  if (octets.empty()) return 0;  // To http_parser, nothing means the end of the connection.
  const std::size_t taken =
      http_parser_execute(&self.parser, &Impl::settings(), octets.data(), octets.size());
  const http_errno error = HTTP_PARSER_ERRNO(&self.parser);
  if (self.state == State::Failed) return taken;
  if (error != HPE_OK && error != HPE_PAUSED) {
    self.fail(error == HPE_HEADER_OVERFLOW ? 431 : error == HPE_INVALID_VERSION ? 505 : 400);
  }
  return taken;
}

void HttpParser::accept_body(std::size_t max_bytes) {
  Impl& self = *impl_;
  DX_CHECK(self.state == State::HeadDone);
  self.max_body_bytes = max_bytes;
  self.state = State::Body;
  // http_parser counts content_length down from ULLONG_MAX when there is none.
  const bool announced = (self.parser.flags & F_CONTENTLENGTH) != 0;
  if (announced && self.parser.content_length > max_bytes) {
    self.fail(413);
    return;
  }
  http_parser_pause(&self.parser, 0);
}

}  // namespace diaryx::web
