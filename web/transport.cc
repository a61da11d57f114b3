#include "web/transport.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "engine/base/check.h"
#include "web/asio.h"
#include "web/connection.h"

namespace diaryx::web {

using asio::ip::tcp;

// --- ConnectionTable ---

std::optional<sync::ConnectionId> ConnectionTable::reserve() {
  if (free_.empty()) {
    if (places_.size() == std::size_t{1} << kPlaceBits) return std::nullopt;
    free_.push_back(static_cast<std::uint32_t>(places_.size()));
    places_.emplace_back();
  }
  const std::uint32_t place = free_.back();
  free_.pop_back();
  return ++places_[place].times_taken << kPlaceBits | place;
}

void ConnectionTable::put(sync::ConnectionId id, std::shared_ptr<Connection> connection) {
  places_[id & ((1U << kPlaceBits) - 1)].connection = std::move(connection);
}

void ConnectionTable::remove(sync::ConnectionId id) {
  const auto place = static_cast<std::uint32_t>(id & ((1U << kPlaceBits) - 1));
  DX_CHECK(places_[place].times_taken == id >> kPlaceBits);
  places_[place].connection.reset();
  free_.push_back(place);
}

Connection* ConnectionTable::find(sync::ConnectionId id) const noexcept {
  const std::uint64_t place = id & ((1U << kPlaceBits) - 1);
  if (place >= places_.size() || places_[place].times_taken != id >> kPlaceBits) return nullptr;
  return places_[place].connection.get();
}

std::vector<std::shared_ptr<Connection>> ConnectionTable::all() const {
  std::vector<std::shared_ptr<Connection>> out;
  out.reserve(places_.size() - free_.size());
  for (const Place& place : places_) {
    if (place.connection) out.push_back(place.connection);
  }
  return out;
}

// --- Transport ---

namespace {

constexpr int kBacklog = 1024;
constexpr auto kAcceptPause = std::chrono::milliseconds(50);
// Messages to the same readers are joined into chunks of about this size; larger ones are not
// copied.
constexpr std::size_t kJoinBytes = 64U << 10U;
constexpr std::size_t kCopyBytes = 16U << 10U;

Error bind_error(const std::string& host, std::uint16_t port, const asio::error_code& error) {
  const std::string what =
      "listen on " + host + " port " + std::to_string(port) + ": " + error.message();
  if (error == asio::error::address_in_use)
    return Error{ErrorCode::Busy, what, "choose another with --port"};
  if (error == asio::error::access_denied)
    return Error{ErrorCode::NotAllowed, what, "choose a port above 1023"};
  return Error{ErrorCode::Io, what};
}

}  // namespace

struct Transport::Impl {
  Impl(const TransportLimits& limits, TransportEvents& events, const Clock& clock)
      : loop(limits, events, clock), acceptor(loop.io), accept_pause(loop.io), sweep(loop.io) {
    const std::int64_t shortest =
        std::min({limits.head_ms, limits.body_ms, limits.idle_ms, limits.write_stall_ms,
                  limits.ping_ms, limits.dead_ms, limits.close_grace_ms});
    sweep_every = std::chrono::milliseconds(std::clamp<std::int64_t>(shortest / 4, 10, 1000));
  }

  void accept();
  void on_accepted(tcp::socket socket);
  void arm_sweep();
  void apply(const sync::Turn& turn, const std::vector<Handled>& handled);
  void send_to(const std::vector<sync::ConnectionId>& targets, const Chunk& chunk,
               bool rest = false);

  Loop loop;
  tcp::acceptor acceptor;
  asio::steady_timer accept_pause;
  asio::steady_timer sweep;
  std::chrono::milliseconds sweep_every{};
  bool sweeping = false;
  std::uint16_t port = 0;
};

void Transport::Impl::accept() {
  acceptor.async_accept([this](const asio::error_code& error, tcp::socket socket) {
    if (loop.stopping) return;
    if (!error) {
      on_accepted(std::move(socket));
      return accept();
    }
    // Out of descriptors, most likely: others will be closed before long.
    accept_pause.expires_after(kAcceptPause);
    accept_pause.async_wait([this](const asio::error_code&) {
      if (!loop.stopping) accept();
    });
  });
}

void Transport::Impl::on_accepted(tcp::socket socket) {
  asio::error_code error;
  const tcp::endpoint remote = socket.remote_endpoint(error);
  if (error) return;  // Gone already.
  socket.native_non_blocking(true, error);
  if (error) return;
  socket.set_option(tcp::no_delay(true), error);
  if (loop.connections.load(std::memory_order_relaxed) >= loop.limits.connections)
    return;  // Closes it.
  const auto id = loop.table.reserve();
  if (!id) return;
  const auto connection = std::make_shared<Connection>(
      std::move(socket), *id, Peer{remote.address().to_string(), remote.port()}, loop);
  loop.table.put(*id, connection);
  connection->start();
  arm_sweep();
}

// One timer for all connections: cheaper than one each, and exact enough for limits of seconds.
void Transport::Impl::arm_sweep() {
  if (sweeping) return;
  sweeping = true;
  sweep.expires_after(sweep_every);
  sweep.async_wait([this](const asio::error_code& error) {
    sweeping = false;
    if (error) return;
    const std::int64_t now = loop.clock.steady_ms();
    const auto connections = loop.table.all();
    for (const auto& connection : connections) connection->check_time(now);
    if (!connections.empty()) arm_sweep();
  });
}

void Transport::Impl::send_to(const std::vector<sync::ConnectionId>& targets, const Chunk& chunk,
                              bool rest) {
  const bool broadcast = targets.size() > 1;
  for (const sync::ConnectionId id : targets) {
    if (Connection* connection = loop.table.find(id)) connection->send(chunk, broadcast, rest);
  }
}

void Transport::Impl::apply(const sync::Turn& turn, const std::vector<Handled>& handled) {
  for (std::size_t i = 0; i < turn.sends.size();) {
    const sync::Outgoing& first = turn.sends[i];
    std::string joined;
    // What one turn has for the same readers becomes one chunk, so that each of them costs one
    // reference, not one per message.
    for (; i < turn.sends.size() && turn.sends[i].targets == first.targets &&
           joined.size() < kJoinBytes;
         ++i) {
      const sync::Outgoing& out = turn.sends[i];
      append_frame_header(joined, out.text ? Opcode::Text : Opcode::Binary, out.payload->size());
      if (out.payload->size() >= kCopyBytes) {
        send_to(first.targets, std::make_shared<const std::string>(std::exchange(joined, {})));
        send_to(first.targets, out.payload, true);
      } else {
        joined.append(*out.payload);
      }
    }
    if (!joined.empty())
      send_to(first.targets, std::make_shared<const std::string>(std::move(joined)));
  }
  for (const sync::Closing& closing : turn.closes) {
    if (Connection* connection = loop.table.find(closing.connection)) {
      connection->close_websocket(static_cast<std::uint16_t>(closing.code), closing.reason);
    }
  }
  for (const Handled& part : handled) {
    if (Connection* connection = loop.table.find(part.connection))
      connection->handled(part.messages, part.bytes);
  }
}

Transport::Transport(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Transport::~Transport() = default;

Result<std::unique_ptr<Transport>> Transport::listen(const std::string& host, std::uint16_t port,
                                                     const TransportLimits& limits,
                                                     TransportEvents& events, const Clock& clock) {
  asio::error_code error;
  const asio::ip::address address =
      asio::ip::make_address(host == "localhost" ? "127.0.0.1" : host, error);
  if (error)
    return Error{ErrorCode::InvalidArgument, "host " + host + ": not an IP address",
                 "give one with --host"};
  auto impl = std::make_unique<Impl>(limits, events, clock);
  const tcp::endpoint endpoint(address, port);
  tcp::acceptor& acceptor = impl->acceptor;
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(asio::socket_base::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(kBacklog, error);
  if (error) return bind_error(host, port, error);
  impl->port = acceptor.local_endpoint(error).port();
  if (error) return bind_error(host, port, error);
  return std::unique_ptr<Transport>(new Transport(std::move(impl)));
}

std::uint16_t Transport::port() const noexcept {
  return impl_->port;
}

void Transport::run() {
  const auto guard = asio::make_work_guard(impl_->loop.io);
  impl_->accept();
  impl_->loop.io.run();
  // Here and not in the destructor, so that the last on_close() comes on this thread and while
  // `events` is whole.
  for (const auto& connection : impl_->loop.table.all()) connection->drop();
  impl_->loop.dirty.clear();
}

void Transport::post(std::function<void()> task) {
  asio::post(impl_->loop.io, std::move(task));
}

void Transport::deliver(sync::Turn turn, std::vector<Handled> handled) {
  if (turn.sends.empty() && turn.closes.empty() && handled.empty()) return;
  asio::post(impl_->loop.io, [impl = impl_.get(), turn = std::move(turn),
                              handled = std::move(handled)] { impl->apply(turn, handled); });
}

void Transport::stop_accepting() {
  post([impl = impl_.get()] {
    impl->loop.stopping = true;
    asio::error_code ignored;  // The process is about to end in any case.
    impl->acceptor.close(ignored);
    impl->accept_pause.cancel();
  });
}

void Transport::close_all(std::uint16_t code, std::string reason) {
  post([impl = impl_.get(), code, reason = std::move(reason)] {
    for (const auto& connection : impl->loop.table.all()) {
      connection->close_websocket(code, reason);
      connection->wind_down();
    }
  });
}

void Transport::stop() {
  impl_->loop.io.stop();
}

std::uint64_t Transport::open_connections() const noexcept {
  return impl_->loop.connections.load(std::memory_order_relaxed);
}
std::uint64_t Transport::open_websockets() const noexcept {
  return impl_->loop.websockets.load(std::memory_order_relaxed);
}
std::uint64_t Transport::dropped_slow() const noexcept {
  return impl_->loop.dropped_slow.load(std::memory_order_relaxed);
}

std::uint64_t Transport::octets_received() const noexcept {
  return impl_->loop.octets_received.load(std::memory_order_relaxed);
}
std::uint64_t Transport::octets_sent() const noexcept {
  return impl_->loop.octets_sent.load(std::memory_order_relaxed);
}

void Transport::send_text(sync::ConnectionId id, std::string_view text) {
  if (Connection* connection = impl_->loop.table.find(id)) {
    connection->send(std::make_shared<const std::string>(encode_frame(Opcode::Text, text)), false);
  }
}

void Transport::close(sync::ConnectionId id, std::uint16_t code, std::string_view reason) {
  if (Connection* connection = impl_->loop.table.find(id))
    connection->close_websocket(code, reason);
}

}  // namespace diaryx::web
