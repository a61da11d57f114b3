// What travels on a socket beside updates: presence, y-sync messages, frames, control messages,
// WebSocket frames.
#include <algorithm>

#include "engine/protocol/awareness.h"
#include "engine/protocol/control_message.h"
#include "engine/protocol/doc_id.h"
#include "engine/protocol/frame.h"
#include "engine/protocol/sync_message.h"
#include "tests/compat/memory_meter.h"
#include "tests/fuzz/document.h"
#include "tests/fuzz/target.h"
#include "web/websocket.h"

namespace diaryx::fuzz {
namespace {

using namespace protocol;

// An awareness entry is three octets on the wire and a node of a map in memory.
constexpr MemoryBound kMemory{std::size_t{16} << 10U, 256};

void write(Buffer& out, const Message& message) {
  switch (message.kind) {
    case MessageKind::SyncStep1:
      return write_sync_step1(out, message.body);
    case MessageKind::SyncStep2:
      return write_sync_step2(out, message.body);
    case MessageKind::Update:
      return write_update(out, message.body);
    case MessageKind::Awareness:
      return write_awareness(out, message.body);
    case MessageKind::AuthDenied:
      return write_auth_denied(out, as_text(message.body));
    case MessageKind::AuthGranted:
      return write_auth_granted(out);
    case MessageKind::QueryAwareness:
      return write_query_awareness(out);
  }
}

struct Heard {
  web::FrameParser::Event event;
  Buffer payload;
  std::uint16_t code;
  bool operator==(const Heard&) const = default;
};

// All that the parser reports if it is fed `piece` octets at a time.
std::vector<Heard> listen(Bytes input, std::size_t piece) {
  constexpr std::size_t kMaxMessage = 1U << 16U;
  web::FrameParser parser(kMaxMessage);
  std::vector<Heard> heard;
  Buffer octets(input.begin(), input.end());
  std::size_t at = 0;
  std::size_t end = std::min(piece, octets.size());
  while (at < end) {
    const auto step = parser.feed(std::span(octets).subspan(at, end - at));
    DX_CHECK(step.consumed <= end - at);
    DX_CHECK(step.payload.size() <= kMaxMessage);
    if (step.event == web::FrameParser::Event::None) {
      // It may leave some for later, but not if there is nothing left to come.
      DX_CHECK(step.consumed > 0 || end < octets.size());
    } else {
      heard.push_back(
          {step.event, Buffer(step.payload.begin(), step.payload.end()), step.close_code});
      if (step.event == web::FrameParser::Event::Failed ||
          step.event == web::FrameParser::Event::Close)
        break;
    }
    at += step.consumed;
    if (at == end || step.consumed == 0) end = std::min(end + piece, octets.size());
  }
  return heard;
}

}  // namespace

void fuzz_awareness(Bytes input) {
  Awareness relay;
  const compat::MemoryMeter memory;
  const auto events = relay.apply(input, 0);
  check_memory(kMemory, input.size(), memory.peak());
  DX_CHECK(events || relay.entries().empty());
  if (!events) return;
  // All that it knows, told to somebody else, is the same there.
  std::vector<std::uint64_t> everybody;
  for (const auto& [client, entry] : relay.entries()) everybody.push_back(client);
  Awareness other;
  DX_CHECK(other.apply(relay.encode(everybody), 0));
  for (const std::uint64_t client : relay.clients()) {
    // A first state with clock 0 is news to nobody.
    const auto& entry = relay.entries().at(client);
    if (entry.clock == 0) continue;
    DX_CHECK(other.entries().count(client) == 1);
    DX_CHECK(other.entries().at(client).clock == entry.clock);
  }
  DX_CHECK(relay.apply(input, 1));
  (void)relay.remove(relay.clients(), 2);
  DX_CHECK(relay.clients().empty());
  // A client that the others lie about keeps its own state.
  Awareness client(everybody.empty() ? 1 : everybody.front());
  DX_CHECK(client.apply(input, 0));
  DX_CHECK(client.clients().size() >= 1);
}

void fuzz_sync_message(Bytes input) {
  const auto messages = decode_messages(input);
  if (!messages) return;
  Buffer written;
  for (const Message& message : *messages) write(written, message);
  const auto again = decode_messages(written);
  DX_CHECK(again);
  DX_CHECK(std::equal(messages->begin(), messages->end(), again->begin(), again->end(),
                      [](const Message& a, const Message& b) {
                        return a.kind == b.kind && std::ranges::equal(a.body, b.body);
                      }));
  crdt::Doc doc({.client_id = 1});
  for (const Message& message : *messages) {
    if (message.kind == MessageKind::SyncStep1) (void)doc.encode_state_as_update(message.body);
    if (message.kind == MessageKind::SyncStep2 || message.kind == MessageKind::Update)
      (void)doc.apply_update(message.body);
  }
  check_promises(doc);
}

void fuzz_frame(Bytes input) {
  if (const auto frame = decode_frame(input)) {
    const auto written = encode_frame(frame->doc_id, frame->payload);
    DX_CHECK(written);
    DX_CHECK(std::ranges::equal(*written, input));
    if (const auto id = parse_doc_id(frame->doc_id)) {
      const auto text = format_doc_id(*id);
      DX_CHECK(text);
      DX_CHECK(*text == frame->doc_id);
    }
  }
  (void)parse_doc_id(as_text(input));
}

void fuzz_control(Bytes input) {
  const auto message = parse_client_message(as_text(input));
  if (!message) (void)error_message(message.error(), as_text(input));
}

void fuzz_websocket(Bytes input) {
  if (input.empty()) return;
  const std::size_t piece = input[0] == 0 ? 1 : input[0];
  const Bytes stream = input.subspan(1);
  const compat::MemoryMeter memory;
  const auto whole = listen(stream, stream.size() + 1);
  check_memory({std::size_t{16} << 10U, 256}, stream.size(), memory.peak());
  DX_CHECK(whole == listen(stream, piece));
}

}  // namespace diaryx::fuzz
