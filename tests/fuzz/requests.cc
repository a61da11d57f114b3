// What comes before a message can: a request's head and body, its address, its Host and Origin, and
// the names of documents and files in it.
#include <algorithm>

#include "engine/base/path.h"
#include "engine/protocol/doc_id.h"
#include "engine/protocol/frame.h"
#include "engine/protocol/hocuspocus_message.h"
#include "engine/protocol/sync_message.h"
#include "tests/compat/memory_meter.h"
#include "tests/fuzz/target.h"
#include "web/attachments.h"
#include "web/endpoints.h"
#include "web/http_request.h"
#include "web/origin.h"

namespace diaryx::fuzz {
namespace {

constexpr std::size_t kMostBody = 4096;

struct Heard {
  web::HttpParser::State state;
  int status;
  std::size_t taken;
  std::string method, target, body;
  std::vector<std::string> fields;
  bool keep_alive, upgrade;
  bool operator==(const Heard&) const = default;
};

// Nothing that would end a header field of ours, or begin another.
bool is_one_line(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7F || c == '"';
  });
}

void look_at(const web::HttpRequest& request) {
  DX_CHECK(request.target.starts_with('/'));
  for (const web::HttpField& field : request.fields) {
    for (const std::string* text : {&field.name, &field.value})
      DX_CHECK(text->find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos);
  }
  (void)web::endpoint_of(request);
  (void)web::names_other_workspace(request, "abc");
  (void)request.query("token");
  (void)request.count("host");
  const std::string path = web::decode_path(request.path());
  if (const auto parsed = WorkspacePath::parse(path)) {
    DX_CHECK(is_one_line(web::content_disposition(true, parsed->name())));
    (void)content_type_of(parsed->name());
  }
}

// What a parser makes of the stream if it is fed `piece` octets at a time.
Heard listen(std::string_view stream, std::size_t piece) {
  using State = web::HttpParser::State;
  web::HttpParser parser{web::HttpLimits{}};
  std::size_t taken = 0;
  while (taken < stream.size() && parser.state() != State::Done &&
         parser.state() != State::Failed) {
    if (parser.state() == State::HeadDone) {
      look_at(parser.request());
      parser.accept_body(kMostBody);
      continue;
    }
    const std::string_view next = stream.substr(taken, piece);
    const std::size_t fed = parser.feed(next);
    DX_CHECK(fed <= next.size());
    DX_CHECK(fed > 0 || parser.state() != State::Head);
    taken += fed;
  }
  Heard heard{parser.state(), 0, taken, {}, {}, {}, {}, false, false};
  if (heard.state == State::Failed) {
    heard.status = parser.status();
    DX_CHECK(heard.status >= 400 && heard.status < 600);
    // Where the fault is seen depends on the pieces; and, of a head that is both too long and
    // wrong, which one.
    heard.taken = 0;
    if (heard.status == 431) heard.status = 400;
    return heard;
  }
  if (heard.state == State::Head) return heard;
  const web::HttpRequest& request = parser.request();
  DX_CHECK(request.body.size() <= kMostBody);
  heard.method = request.method;
  heard.target = request.target;
  heard.body = request.body;
  for (const web::HttpField& field : request.fields)
    heard.fields.push_back(field.name + ": " + field.value);
  heard.keep_alive = request.keep_alive;
  heard.upgrade = request.websocket_upgrade;
  return heard;
}

}  // namespace

void fuzz_http(Bytes input) {
  if (input.empty()) return;
  const std::size_t piece = input[0] == 0 ? 1 : input[0];
  const std::string_view stream = as_text(input.subspan(1));
  const compat::MemoryMeter memory;
  const Heard whole = listen(stream, stream.size() + 1);
  check_memory({std::size_t{64} << 10U, 256}, stream.size(), memory.peak());
  DX_CHECK(whole == listen(stream, piece));
}

void fuzz_names(Bytes input) {
  const std::string_view text = as_text(input);
  if (const auto path = WorkspacePath::parse(text)) {
    DX_CHECK(path->str() == text);
    DX_CHECK(!text.starts_with('/'));
    DX_CHECK(text.find_first_of(std::string_view("\\\0\n", 3)) == std::string_view::npos);
    const std::string framed = "/" + path->str() + "/";
    for (const char* const bad : {"/../", "/./", "//", "/.git/", "/.diaryx/"})
      DX_CHECK(framed.find(bad) == std::string::npos);
    DX_CHECK(is_one_line(web::content_disposition(false, path->name())));
  }
  if (const auto id = protocol::parse_doc_id(text)) {
    const auto again = protocol::format_doc_id(*id);
    DX_CHECK(again);
    DX_CHECK(*again == text);
  }
  if (const auto authority = web::parse_authority(text)) {
    DX_CHECK(!authority->host.empty());
    DX_CHECK(is_one_line(authority->host));
    DX_CHECK(authority->host.find_first_of("@/ ") == std::string::npos);
  }
  (void)web::parse_origin(text);
  const auto rules = web::HostRules::make("127.0.0.1", {}, {});
  DX_CHECK(rules);
  if (rules->host_allowed(text)) {
    const auto authority = web::parse_authority(text);
    DX_CHECK(authority);
    DX_CHECK(web::is_loopback_host(authority->host));
  }
  (void)rules->origin_allowed(text, "127.0.0.1:1234", 1234);
  // What was decoded once says what it says.
  const std::string decoded = web::decode_path(text);
  DX_CHECK(decoded.size() <= text.size());
  (void)web::decode_query_component(text);
}

void fuzz_hocuspocus(Bytes input) {
  const auto message = protocol::decode_hocuspocus(input);
  if (!message) return;
  const std::string_view document = protocol::document_of(message->name);
  DX_CHECK(message->name.starts_with(document));
  DX_CHECK(document.find('\0') == std::string_view::npos);
  if (message->payload.empty()) return;
  const compat::MemoryMeter memory;
  (void)protocol::decode_messages(message->payload);
  check_memory({std::size_t{16} << 10U, 64}, input.size(), memory.peak());
}

void fuzz_framing(Bytes input) {
  using protocol::Framing;
  for (const Framing framing : {Framing::ShortName, Framing::LongName, Framing::Bare}) {
    const auto frame = protocol::decode_frame(input, framing);
    if (!frame) continue;
    DX_CHECK(frame->doc_id.size() <= protocol::kMaxLongNameBytes);
    const auto written = protocol::encode_frame(frame->doc_id, frame->payload, framing);
    DX_CHECK(written);
    const auto again = protocol::decode_frame(*written, framing);
    DX_CHECK(again);
    DX_CHECK(again->doc_id == frame->doc_id);
    DX_CHECK(std::ranges::equal(again->payload, frame->payload));
  }
}

}  // namespace diaryx::fuzz
