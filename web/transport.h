// The only sockets: accepting, HTTP and WebSocket framing, limits, time-outs, and writing what the
// other threads hand over. Knows nothing of documents.
//
// One thread, `net`, runs an event loop and owns every connection; other threads know a connection
// by its id and reach the loop through deliver() and post(). What a turn of the core sends to many
// readers is framed once and shared; sending only queues it, and one flush per loop turn writes
// each connection's queue with one gathered call.
//
// Who sends now and then is read at once. While the core has not yet answered what it was given, or
// has just answered, sockets are left alone for a moment (rest.h): what comes meanwhile makes one
// read of each socket, one turn of the core, and one write to each reader.
//
// A reader that is too slow is dropped, never waited for: 4408 once what others sent it exceeds its
// budget. What it asked for itself has a wider budget, because there it is held back instead: while
// much waits to be written to a connection, or to be handled by the core, nothing more is read from
// it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/result.h"
#include "engine/sync/hub.h"
#include "web/exchange.h"
#include "web/http_request.h"

namespace diaryx::web {

struct TransportLimits {
  HttpLimits http;
  std::size_t connections = 10'000;
  std::size_t message_bytes = 16U << 20U;         // A WebSocket message from a client.
  std::size_t broadcast_queue_bytes = 4U << 20U;  // Waiting for one reader, sent to several.
  std::size_t reply_queue_bytes = 24U << 20U;     // Waiting for one reader, sent to it alone.
  std::size_t hold_back_bytes =
      1U << 20U;  // Nothing more is read from a connection while this much waits to be written.
  std::size_t unhandled_messages = 256;  // Handed up by one connection and not yet handled.
  std::size_t unhandled_bytes = 8U << 20U;
  std::int64_t head_ms = 10'000;  // From accept, or from the first octet, to the end of the head.
  std::int64_t body_ms = 60'000;  // From the end of the head to the end of the body.
  std::int64_t upload_stall_ms = 30'000;  // A body that goes to a sink may take long, but not stop.
  std::int64_t idle_ms = 30'000;          // Between requests.
  std::int64_t write_stall_ms =
      20'000;                     // Something waits to be written and the reader takes nothing.
  std::int64_t ping_ms = 20'000;  // Silence of a WebSocket before we ask.
  std::int64_t dead_ms = 60'000;  // Silence before we drop it.
  std::int64_t close_grace_ms = 2'000;  // From our last octet to giving up on the peer's.
};

// What to do with a request whose head has been read.
struct HeadVerdict {
  std::optional<std::string> refusal;  // A whole response: it is sent, and the connection closed.
  bool is_owner = false;
  std::uint64_t max_body_bytes = 0;
  std::shared_ptr<BodySink> sink =
      {};  // Takes the body instead of the request. Shared with its writer.
};

// A connection's messages that the core has dealt with.
struct Handled {
  sync::ConnectionId connection;
  std::uint32_t messages;
  std::uint64_t bytes;
};

// All calls come on the net thread and must not block.
class TransportEvents {
 public:
  virtual ~TransportEvents() = default;
  virtual HeadVerdict on_head(const HttpRequest& request, const Peer& peer) = 0;
  // Answer through the exchange, on any thread.
  virtual void on_request(std::shared_ptr<Exchange> exchange) = 0;
  // A WebSocket is open (101 has been queued). close() may be called at once.
  virtual void on_open(sync::ConnectionId id, const HttpRequest& handshake, const Peer& peer,
                       bool is_owner) = 0;
  // Each message must come back in a Handled sooner or later. `bytes` lives until the call returns.
  virtual void on_message(sync::ConnectionId id, bool text, Bytes bytes) = 0;
  // Once per on_open, as soon as no message can come any more.
  virtual void on_close(sync::ConnectionId id) = 0;
  // The thread is about to wait: no call comes before something new happens.
  virtual void on_pause() {}
  // The transport itself refused a request: what came was no HTTP, too large, or too late.
  virtual void on_refused(int status) { static_cast<void>(status); }
};

class Transport {
 public:
  // Binds and listens at once, but accepts and reads only within run(). `events` and `clock` must
  // outlive it. Busy: the port is taken; NotAllowed: it may not be bound; InvalidArgument: `host`
  // is no IP address and not "localhost".
  static Result<std::unique_ptr<Transport>> listen(const std::string& host, std::uint16_t port,
                                                   const TransportLimits& limits,
                                                   TransportEvents& events, const Clock& clock);
  ~Transport();

  std::uint16_t port() const noexcept;

  // The net thread's work; returns after stop(), when all connections are gone.
  void run();

  // --- Any thread ---
  // Runs `task` on the net thread.
  void post(std::function<void()> task);
  // Sends and closes what the core decided, in order, and takes note of what it handled.
  void deliver(sync::Turn turn, std::vector<Handled> handled);
  // No new connections and no new requests.
  void stop_accepting();
  // Closes every WebSocket with this code, and the rest once they are through.
  void close_all(std::uint16_t code, std::string reason);
  // Makes run() return, dropping what is left.
  void stop();
  std::uint64_t open_connections() const noexcept;
  std::uint64_t open_websockets() const noexcept;
  std::uint64_t dropped_slow() const noexcept;  // Since the start, as the octets.
  std::uint64_t octets_received() const noexcept;
  std::uint64_t octets_sent() const noexcept;

  // --- Net thread ---
  void send_text(sync::ConnectionId id, std::string_view text);
  void close(sync::ConnectionId id, std::uint16_t code, std::string_view reason);

  struct Impl;

 private:
  explicit Transport(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace diaryx::web
