// One accepted socket and what its peer is doing with it: sending a request, waiting for its
// answer, speaking WebSocket, or on its way out. Lives on the net thread; kept alive by the
// transport's table and by its pending operations.
//
//   Http ──request whole──▶ Handling ──answered──▶ Http (keep-alive)
//     │                         └────────────────▶ Draining
//     ├──upgrade──▶ WebSocket ──close, either side──▶ Draining
//     └──refused──▶ Draining: write what is queued, shut our half, throw away what comes until the
//     peer's end or the grace is over
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/bytes.h"
#include "engine/base/posix.h"
#include "web/event_loop.h"
#include "web/transport.h"
#include "web/websocket.h"

namespace diaryx::web {

class Connection;

// The connections by id. An id is the place in the table and how often that place was taken: it is
// never used again.
class ConnectionTable {
 public:
  static constexpr unsigned kPlaceBits = 20;

  // The id for a connection that will be put(); nothing if 2^20 are open.
  std::optional<sync::ConnectionId> reserve();
  void put(sync::ConnectionId id, std::shared_ptr<Connection> connection);
  void remove(sync::ConnectionId id);
  // Nothing if it is gone.
  Connection* find(sync::ConnectionId id) const noexcept;
  // Those that are open now; stays good while they are dropped.
  std::vector<std::shared_ptr<Connection>> all() const;

 private:
  struct Place {
    std::uint64_t times_taken = 0;
    std::shared_ptr<Connection> connection;
  };
  std::vector<Place> places_;
  std::vector<std::uint32_t> free_;
};

// What the connections of one transport share. Net thread only, but for the counters.
struct Loop {
  Loop(const TransportLimits& the_limits, TransportEvents& the_events, const Clock& the_clock,
       std::unique_ptr<EventLoop> the_io)
      : limits(the_limits),
        events(the_events),
        clock(the_clock),
        io(std::move(the_io)),
        read_buffer(64U << 10U) {}

  const TransportLimits limits;
  TransportEvents& events;
  const Clock& clock;
  // Before `io`, because connections that die with it still count themselves out.
  std::atomic<std::uint64_t> connections{0};
  std::atomic<std::uint64_t> websockets{0};
  std::atomic<std::uint64_t> dropped_slow{0};
  // Written on the net thread only: see count_octets().
  std::atomic<std::uint64_t> octets_received{0};
  std::atomic<std::uint64_t> octets_sent{0};
  const std::unique_ptr<EventLoop> io;
  ConnectionTable table;
  Buffer read_buffer;                              // One for all: an idle connection needs none.
  std::vector<std::shared_ptr<Connection>> dirty;  // Flushed before the thread waits again.
  std::uint64_t unhandled = 0;  // Messages handed up, of all connections, and not yet handled.
  bool stopping = false;        // No new connections, no new requests.
};

// One thread counts, others look: no need for an atomic addition.
inline void count_octets(std::atomic<std::uint64_t>& sum, std::uint64_t octets) noexcept {
  sum.store(sum.load(std::memory_order_relaxed) + octets, std::memory_order_relaxed);
}

// Octets ready for the wire, shared by all their readers.
using Chunk = std::shared_ptr<const std::string>;

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(Fd socket, sync::ConnectionId id, Peer peer, Loop& loop);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // False: the system cannot watch one more socket.
  bool start();

  // The socket is ready for something.
  void on_ready(bool readable, bool writable);
  // Queues framed messages for a WebSocket; drops the connection if it is over its budget. Ignored
  // in other states. `rest`: the chunk goes on where the last one sent ended, in the middle of a
  // frame.
  void send(Chunk chunk, bool broadcast, bool rest = false);
  // Closes a WebSocket with a code; ignored in other states.
  void close_websocket(std::uint16_t code, std::string_view reason);
  // The server is stopping: an idle HTTP connection ends now, a busy one after its answer.
  void wind_down();
  // So much of what on_message handed up has been dealt with.
  void handled(std::uint32_t messages, std::uint64_t bytes);
  // The exchange has something to take.
  void on_exchange();
  void check_time(std::int64_t now_ms);
  void flush();
  // At once, without a word.
  void drop();

  bool dead() const noexcept { return state_ == State::Dead; }

 private:
  enum class State : std::uint8_t { Http, Handling, WebSocket, Draining, Dead };
  struct Queued {
    Chunk chunk;
    bool broadcast;
    bool rest;
  };

  // Reading.
  bool held_back() const noexcept;
  bool may_read() const noexcept;
  void read_on();
  void on_readable();
  void tell_interest();
  void on_peer_end();
  void process(std::span<std::uint8_t> input);
  void go_on();  // Whatever held us back may be over: what was read and left lying first, then the
                 // socket.

  // HTTP.
  std::size_t process_http(std::span<std::uint8_t> input);
  void judge_head();
  void hand_over_request();
  void give_up_sink();
  void upgrade();
  void refuse(int status, std::string_view extra_fields = {});
  void respond_and_drain(std::string response);

  // WebSocket.
  std::size_t process_websocket(std::span<std::uint8_t> input);
  void leave_websocket();  // No message can come any more.
  void begin_close(std::string frame);
  void drop_as_too_slow();

  // Writing.
  void enqueue(Chunk chunk, bool broadcast, bool rest = false);
  void pop_written(std::size_t bytes);
  void wait_writable();
  void after_progress();
  void begin_draining();
  void shut_our_half();
  bool queue_empty() const noexcept { return queue_first_ == queue_.size(); }

  Loop& loop_;
  Fd socket_;
  const sync::ConnectionId id_;
  std::unique_ptr<HttpParser> http_;
  std::unique_ptr<FrameParser> frames_;
  std::shared_ptr<Exchange> exchange_;  // Shared with the handler's thread.
  std::shared_ptr<BodySink> sink_;      // Of the body that is being read. Shared with its writer.
  std::unique_ptr<Peer> peer_;          // Until the upgrade.
  Buffer left_over_;                    // Read, but not to be looked at yet.
  std::vector<Queued> queue_;
  std::size_t queue_first_ = 0;  // Before it: written.
  std::size_t offset_ = 0;       // Octets of queue_[queue_first_] that are written.
  std::size_t queued_bytes_ = 0;
  std::size_t broadcast_bytes_ = 0;  // Part of queued_bytes_.
  std::uint64_t unhandled_bytes_ = 0;
  std::uint64_t reply_bytes_ =
      0;  // Queued for this connection alone since it was last told that messages were handled.
  std::uint32_t unhandled_messages_ = 0;
  std::uint32_t window_;  // How many messages may be unhandled: few while the answers are large.
  std::int64_t deadline_ms_ = 0;
  std::int64_t seen_ms_ = 0;
  std::int64_t pinged_ms_ = 0;
  std::int64_t written_ms_ = 0;
  State state_ = State::Http;
  bool is_owner_ = false;
  EventLoop::Interest told_;  // What the loop knows of reading_ and writing_.
  bool watched_ = false;
  bool reading_ = false;  // We wait for input.
  bool writing_ = false;  // We wait for room.
  bool dirty_ = false;
  bool processing_ = false;
  bool was_websocket_ = false;
  bool peer_ended_ = false;
  bool shut_ = false;
};

}  // namespace diaryx::web
