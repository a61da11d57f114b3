#include "web/transport.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <utility>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "engine/base/check.h"
#include "web/asio.h"
#include "web/connection.h"
#include "web/event_loop.h"
#include "web/rest.h"

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
constexpr int kAcceptsInARow = 64;
constexpr std::uint64_t kListenerKey = 0;  // No connection has this id.
constexpr auto kAcceptPause = std::chrono::milliseconds(50);
// Messages to the same readers are joined into chunks of about this size; larger ones are not
// copied.
constexpr std::size_t kJoinBytes = 64U << 10U;
constexpr std::size_t kCopyBytes = 16U << 10U;

Error bind_error(const std::string& host, std::uint16_t port, int number) {
  const std::string what =
      "listen on " + host + " port " + std::to_string(port) + ": " + errno_text(number);
  if (number == EADDRINUSE) return Error{ErrorCode::Busy, what, "choose another with --port"};
  if (number == EACCES) return Error{ErrorCode::NotAllowed, what, "choose a port above 1023"};
  return Error{ErrorCode::Io, what};
}

}  // namespace

struct Transport::Impl {
  Impl(const TransportLimits& limits, TransportEvents& events, const Clock& clock,
       std::unique_ptr<EventLoop> io, Fd listening)
      : loop(limits, events, clock, std::move(io)), listener(std::move(listening)) {
    const std::int64_t shortest =
        std::min({limits.head_ms, limits.body_ms, limits.idle_ms, limits.write_stall_ms,
                  limits.ping_ms, limits.dead_ms, limits.close_grace_ms});
    sweep_every = std::chrono::milliseconds(std::clamp<std::int64_t>(shortest / 4, 10, 1000));
  }

  void run();
  void look();
  void flush();
  void accept();
  void on_accepted(Fd socket, const tcp::endpoint& remote);
  void arm_sweep();
  void apply(const sync::Turn& turn, const std::vector<Handled>& handled);
  void send_to(const std::vector<sync::ConnectionId>& targets, const Chunk& chunk,
               bool rest = false);

  Loop loop;
  Fd listener;
  Rest pause;
  std::chrono::milliseconds sweep_every{};
  bool sweeping = false;
  bool told = false;  // Something of the core's waits for the next flush().
  std::uint16_t port = 0;
};

void Transport::Impl::run() {
  while (loop.io->turn(!pause.resting(), pause.until())) {
    flush();
    look();
    flush();
    loop.events.on_pause();
  }
}

void Transport::Impl::look() {
  const std::span<const EventLoop::Ready> ready = loop.io->ready();
  if (!pause.over(ready.size(), loop.unhandled > 0, EventLoop::Clock::now())) return;
  for (const EventLoop::Ready& socket : ready) {
    if (socket.key == kListenerKey) {
      accept();
    } else if (Connection* connection = loop.table.find(socket.key)) {
      connection->on_ready(socket.readable, socket.writable);
    }
  }
}

void Transport::Impl::flush() {
  const bool tells = std::exchange(told, false);
  const auto began = tells ? EventLoop::Clock::now() : EventLoop::Clock::time_point();
  while (!loop.dirty.empty()) {
    const auto dirty = std::exchange(loop.dirty, {});
    for (const auto& connection : dirty) connection->flush();
  }
  if (tells) pause.told(began, EventLoop::Clock::now());
}

void Transport::Impl::accept() {
  for (int i = 0; i < kAcceptsInARow && listener; ++i) {
    tcp::endpoint remote;
    auto size = static_cast<socklen_t>(remote.capacity());
    Fd socket(::accept4(listener.get(), remote.data(), &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (socket) {
      remote.resize(size);
      on_accepted(std::move(socket), remote);
      continue;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) return;
    if (errno == EINTR || errno == ECONNABORTED) continue;
    // Out of descriptors, most likely: others will be closed before long.
    loop.io->change(listener.get(), kListenerKey, {});
    loop.io->after(kAcceptPause, [this] {
      if (listener) loop.io->change(listener.get(), kListenerKey, {.read = true});
    });
    return;
  }
}

void Transport::Impl::on_accepted(Fd socket, const tcp::endpoint& remote) {
  const int yes = 1;
  (void)::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);  // Slower, then.
  if (loop.connections.load(std::memory_order_relaxed) >= loop.limits.connections)
    return;  // Closes it.
  const auto id = loop.table.reserve();
  if (!id) return;
  const auto connection = std::make_shared<Connection>(
      std::move(socket), *id, Peer{remote.address().to_string(), remote.port()}, loop);
  loop.table.put(*id, connection);
  if (!connection->start()) return connection->drop();
  arm_sweep();
}

// One timer for all connections: cheaper than one each, and exact enough for limits of seconds.
void Transport::Impl::arm_sweep() {
  if (sweeping) return;
  sweeping = true;
  loop.io->after(sweep_every, [this] {
    sweeping = false;
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
  told = true;
  for (const Handled& part : handled) {
    loop.unhandled -= std::min<std::uint64_t>(part.messages, loop.unhandled);
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
  tcp::endpoint endpoint(address, port);
  Fd listener(::socket(endpoint.data()->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const int yes = 1;
  auto size = static_cast<socklen_t>(endpoint.capacity());
  if (!listener || ::setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0 ||
      ::bind(listener.get(), endpoint.data(), static_cast<socklen_t>(endpoint.size())) != 0 ||
      ::listen(listener.get(), kBacklog) != 0 ||
      ::getsockname(listener.get(), endpoint.data(), &size) != 0)
    return bind_error(host, port, errno);
  DX_TRY(auto io, EventLoop::make());
  if (!io->watch(listener.get(), kListenerKey, {})) return errno_error(errno, "epoll");
  auto impl = std::make_unique<Impl>(limits, events, clock, std::move(io), std::move(listener));
  impl->port = endpoint.port();
  return std::unique_ptr<Transport>(new Transport(std::move(impl)));
}

std::uint16_t Transport::port() const noexcept {
  return impl_->port;
}

void Transport::run() {
  impl_->loop.io->change(impl_->listener.get(), kListenerKey, {.read = true});
  impl_->run();
  // Here and not in the destructor, so that the last on_close() comes on this thread and while
  // `events` is whole.
  for (const auto& connection : impl_->loop.table.all()) connection->drop();
  impl_->loop.dirty.clear();
  impl_->loop.events.on_pause();
}

void Transport::post(std::function<void()> task) {
  impl_->loop.io->post(std::move(task));
}

void Transport::deliver(sync::Turn turn, std::vector<Handled> handled) {
  if (turn.sends.empty() && turn.closes.empty() && handled.empty()) return;
  impl_->loop.io->post([impl = impl_.get(), turn = std::move(turn), handled = std::move(handled)] {
    impl->apply(turn, handled);
  });
}

void Transport::stop_accepting() {
  post([impl = impl_.get()] {
    impl->loop.stopping = true;
    if (impl->listener) impl->loop.io->forget(impl->listener.get());
    impl->listener.reset();
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
  impl_->loop.io->stop();
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
