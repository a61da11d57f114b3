#include "web/connection.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include <sys/socket.h>
#include <sys/uio.h>

#include "engine/base/check.h"
#include "web/http_status.h"

namespace diaryx::web {
namespace {

constexpr std::uint16_t kNoCode = 1005;
constexpr std::uint32_t kFirstWindow = 16;
// An exchange is asked for more once less than this waits to be written.
constexpr std::size_t kRefillBytes = 256U << 10U;
constexpr std::size_t kMaxIov = 128;
// A connection that has more to read than a buffer holds gets so many in a row.
constexpr int kReadsInARow = 8;

Chunk make_chunk(std::string octets) {
  return std::make_shared<const std::string>(std::move(octets));
}

}  // namespace

Connection::Connection(Fd socket, sync::ConnectionId id, Peer peer, Loop& loop)
    : loop_(loop),
      socket_(std::move(socket)),
      id_(id),
      peer_(std::make_unique<Peer>(std::move(peer))),
      window_(static_cast<std::uint32_t>(
          std::min<std::size_t>(kFirstWindow, loop.limits.unhandled_messages))) {
  loop_.connections.fetch_add(1, std::memory_order_relaxed);
}

Connection::~Connection() {
  loop_.connections.fetch_sub(1, std::memory_order_relaxed);
}

bool Connection::start() {
  const std::int64_t now = loop_.clock.steady_ms();
  deadline_ms_ = now + loop_.limits.head_ms;
  seen_ms_ = now;
  written_ms_ = now;
  http_ = std::make_unique<HttpParser>(loop_.limits.http);
  reading_ = true;
  told_ = {.read = true};
  watched_ = loop_.io->watch(socket_.get(), id_, told_);
  return watched_;
}

// --- Reading ---

bool Connection::held_back() const noexcept {
  return queued_bytes_ >= loop_.limits.hold_back_bytes || unhandled_messages_ >= window_ ||
         unhandled_bytes_ >= loop_.limits.unhandled_bytes || (sink_ && sink_->full());
}

bool Connection::may_read() const noexcept {
  switch (state_) {
    case State::Http:
    case State::WebSocket:
      return left_over_.empty() && !held_back();
    case State::Draining:
      return !peer_ended_;
    case State::Handling:
    case State::Dead:
      return false;
  }
  return false;
}

void Connection::read_on() {
  if (reading_ || !may_read()) return;
  reading_ = true;
  tell_interest();
}

void Connection::on_ready(bool readable, bool writable) {
  const std::shared_ptr<Connection> alive = shared_from_this();
  if (writable && writing_) {
    writing_ = false;
    flush();
  }
  if (readable && !dead()) {
    // Held back since: the loop need not tell us until go_on() asks again.
    reading_ = may_read();
    if (reading_) on_readable();
  }
  if (!dead()) tell_interest();
}

// Level-triggered: what the loop knows stays good until we want something else.
void Connection::tell_interest() {
  const EventLoop::Interest wanted{.read = reading_, .write = writing_};
  if (wanted == told_ && watched_) {
    if (wanted != EventLoop::Interest{}) return;
    // Told although nothing is wanted: the peer is gone, which would be told for ever.
    loop_.io->forget(socket_.get());
    watched_ = false;
  } else if (watched_) {
    told_ = wanted;
    loop_.io->change(socket_.get(), id_, wanted);
  } else if (wanted != EventLoop::Interest{}) {
    told_ = wanted;
    watched_ = loop_.io->watch(socket_.get(), id_, wanted);
    if (!watched_) drop();
  }
}

void Connection::on_readable() {
  Buffer& buffer = loop_.read_buffer;
  for (int i = 0; i < kReadsInARow && may_read(); ++i) {
    const ssize_t got = ::recv(socket_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got == 0) return on_peer_end();
    if (got < 0) {
      if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) drop();
      return;
    }
    seen_ms_ = loop_.clock.steady_ms();
    count_octets(loop_.octets_received, static_cast<std::uint64_t>(got));
    process({buffer.data(), static_cast<std::size_t>(got)});
    if (static_cast<std::size_t>(got) < buffer.size()) return;
  }
}

void Connection::on_peer_end() {
  if (queue_empty() || was_websocket_) return drop();
  peer_ended_ = true;  // It has said its last, but may still read our answer.
  begin_draining();
}

// What cannot be looked at now is kept in left_over_.
void Connection::process(std::span<std::uint8_t> input) {
  DX_CHECK(!processing_);
  DX_CHECK(left_over_.empty());
  processing_ = true;
  while (!input.empty()) {
    std::size_t taken = 0;
    if (state_ == State::Draining || state_ == State::Dead) break;
    if (state_ == State::Handling || held_back()) {
      left_over_.assign(input.begin(), input.end());
      break;
    }
    taken = state_ == State::Http ? process_http(input) : process_websocket(input);
    input = input.subspan(taken);
  }
  processing_ = false;
}

void Connection::go_on() {
  if (processing_) return;  // The loop in process() goes on by itself.
  while (!left_over_.empty() && (state_ == State::Http || state_ == State::WebSocket) &&
         !held_back()) {
    Buffer input = std::exchange(left_over_, {});
    process(input);
  }
  read_on();
}

// --- HTTP ---

std::size_t Connection::process_http(std::span<std::uint8_t> input) {
  HttpParser& parser = *http_;
  const bool fresh = !parser.started();
  const std::size_t taken = parser.feed(as_text(input));
  if (fresh && parser.started()) {
    deadline_ms_ = loop_.clock.steady_ms() + loop_.limits.head_ms;
  }
  switch (parser.state()) {
    case HttpParser::State::Head:
    case HttpParser::State::Body:
      break;
    case HttpParser::State::HeadDone:
      judge_head();
      break;
    case HttpParser::State::Done:
      hand_over_request();
      break;
    case HttpParser::State::Failed:
      refuse(parser.status());
      break;
  }
  return taken;
}

void Connection::judge_head() {
  HttpParser& parser = *http_;
  if (loop_.stopping) return refuse(503);
  HeadVerdict verdict = loop_.events.on_head(parser.request(), *peer_);
  if (verdict.refusal) return respond_and_drain(std::move(*verdict.refusal));
  is_owner_ = verdict.is_owner;
  deadline_ms_ = loop_.clock.steady_ms() + loop_.limits.body_ms;
  if (verdict.sink) {
    sink_ = std::move(verdict.sink);
    sink_->on_room([&loop = loop_, weak = weak_from_this()] {
      loop.io->post([weak] {
        if (const auto self = weak.lock(); self && !self->dead()) self->go_on();
      });
    });
  }
  parser.accept_body(verdict.max_body_bytes, sink_.get());
  if (parser.state() == HttpParser::State::Failed) return refuse(parser.status());
  if (parser.request().expects_continue)
    enqueue(make_chunk("HTTP/1.1 100 Continue\r\n\r\n"), false);
}

void Connection::hand_over_request() {
  HttpRequest& request = http_->request();
  if (request.websocket_upgrade) return upgrade();
  state_ = State::Handling;
  if (sink_) sink_->end(true);
  const auto wake = [&loop = loop_, weak = weak_from_this()] {
    loop.io->post([weak] {
      if (const auto self = weak.lock()) self->on_exchange();
    });
  };
  exchange_ = std::make_shared<Exchange>(id_, std::move(request), *peer_, is_owner_, wake,
                                         std::exchange(sink_, nullptr));
  loop_.events.on_request(exchange_);
}

void Connection::give_up_sink() {
  if (sink_) std::exchange(sink_, nullptr)->end(false);
}

void Connection::on_exchange() {
  if (!exchange_ || queued_bytes_ >= kRefillBytes) return;  // after_progress() comes back to it.
  Exchange::Taken taken = exchange_->take();
  if (!taken.octets.empty()) enqueue(make_chunk(std::move(taken.octets)), false);
  if (!taken.finished) return;
  exchange_.reset();
  if (!taken.keep_alive || loop_.stopping) return begin_draining();
  state_ = State::Http;
  http_ = std::make_unique<HttpParser>(loop_.limits.http);
  deadline_ms_ = loop_.clock.steady_ms() + loop_.limits.idle_ms;
  go_on();
}

void Connection::refuse(int status, std::string_view extra_fields) {
  loop_.events.on_refused(status);
  respond_and_drain(simple_response(status, "application/json", error_body(status), extra_fields));
}

void Connection::respond_and_drain(std::string response) {
  enqueue(make_chunk(std::move(response)), false);
  begin_draining();
}

void Connection::upgrade() {
  const HttpRequest& request = http_->request();
  if (!request.http_1_1) return refuse(400);
  if (request.field("sec-websocket-version").value_or("") != "13") {
    return refuse(426, "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n");
  }
  const std::string_view key = request.field("sec-websocket-key").value_or("");
  if (request.count("sec-websocket-key") != 1 || !is_websocket_key(key)) return refuse(400);
  enqueue(
      make_chunk("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                 "Sec-WebSocket-Accept: " +
                 accept_value(key) + "\r\n\r\n"),
      false);
  state_ = State::WebSocket;
  was_websocket_ = true;
  seen_ms_ = pinged_ms_ = loop_.clock.steady_ms();
  frames_ = std::make_unique<FrameParser>(loop_.limits.message_bytes);
  loop_.websockets.fetch_add(1, std::memory_order_relaxed);
  const std::unique_ptr<HttpParser> http = std::move(http_);
  const std::unique_ptr<Peer> peer = std::move(peer_);
  loop_.events.on_open(id_, http->request(), *peer, is_owner_);
}

// --- WebSocket ---

std::size_t Connection::process_websocket(std::span<std::uint8_t> input) {
  const FrameParser::Step step = frames_->feed(input);
  switch (step.event) {
    case FrameParser::Event::None:
      break;
    case FrameParser::Event::Text:
    case FrameParser::Event::Binary:
      ++unhandled_messages_;
      ++loop_.unhandled;
      unhandled_bytes_ += step.payload.size();
      loop_.events.on_message(id_, step.event == FrameParser::Event::Text, step.payload);
      break;
    case FrameParser::Event::Ping:
      enqueue(make_chunk(encode_frame(Opcode::Pong, as_text(step.payload))), false);
      break;
    case FrameParser::Event::Pong:
      break;  // That octets came at all has been noted.
    case FrameParser::Event::Close:
      begin_close(step.close_code == kNoCode ? encode_frame(Opcode::Close, {})
                                             : encode_close(step.close_code, {}));
      break;
    case FrameParser::Event::Failed:
      begin_close(encode_close(step.close_code, step.reason));
      break;
  }
  return step.consumed;
}

void Connection::leave_websocket() {
  if (!frames_) return;
  frames_.reset();
  loop_.websockets.fetch_sub(1, std::memory_order_relaxed);
  loop_.events.on_close(id_);
}

void Connection::begin_close(std::string frame) {
  enqueue(make_chunk(std::move(frame)), false);
  written_ms_ =
      loop_.clock
          .steady_ms();  // Even a reader that stalled gets the grace to take the close frame.
  state_ = State::Draining;
  leave_websocket();
  begin_draining();
}

void Connection::close_websocket(std::uint16_t code, std::string_view reason) {
  if (state_ == State::WebSocket) begin_close(encode_close(code, reason));
}

void Connection::wind_down() {
  if (state_ != State::Http) return;
  if (http_->started()) return refuse(503);
  begin_draining();
}

void Connection::send(Chunk chunk, bool broadcast, bool rest) {
  if (state_ != State::WebSocket) return;
  const std::size_t waiting = broadcast ? broadcast_bytes_ : queued_bytes_ - broadcast_bytes_;
  const std::size_t budget =
      broadcast ? loop_.limits.broadcast_queue_bytes : loop_.limits.reply_queue_bytes;
  // A single message may be larger than the budget: it counts only against what already waits.
  if (!rest && waiting > 0 && waiting + chunk->size() > budget) return drop_as_too_slow();
  if (!broadcast) reply_bytes_ += chunk->size();
  enqueue(std::move(chunk), broadcast, rest);
}

void Connection::drop_as_too_slow() {
  loop_.dropped_slow.fetch_add(1, std::memory_order_relaxed);
  // A frame that is half written must be finished, or the close frame would be read as its payload.
  std::size_t keep = queue_first_ + (offset_ > 0 ? 1 : 0);
  while (keep < queue_.size() && queue_[keep].rest) ++keep;
  for (std::size_t i = keep; i < queue_.size(); ++i) {
    queued_bytes_ -= queue_[i].chunk->size();
    if (queue_[i].broadcast) broadcast_bytes_ -= queue_[i].chunk->size();
  }
  queue_.resize(keep);
  begin_close(
      encode_close(static_cast<std::uint16_t>(sync::CloseCode::TooSlow), "reads too slowly"));
}

void Connection::handled(std::uint32_t messages, std::uint64_t bytes) {
  unhandled_messages_ -= std::min(messages, unhandled_messages_);
  unhandled_bytes_ -= std::min(bytes, unhandled_bytes_);
  // So many messages that their answers, if they are like the last ones, stay well within the
  // budget.
  const std::uint64_t each = reply_bytes_ / std::max<std::uint32_t>(messages, 1);
  const std::uint64_t fitting = loop_.limits.reply_queue_bytes / 4 / (each + 1);
  window_ = static_cast<std::uint32_t>(
      std::clamp<std::uint64_t>(fitting, 1, loop_.limits.unhandled_messages));
  reply_bytes_ = 0;
  go_on();
}

// --- Writing ---

void Connection::enqueue(Chunk chunk, bool broadcast, bool rest) {
  if (state_ == State::Dead || shut_) return;
  if (queue_empty())
    written_ms_ = loop_.clock.steady_ms();  // The reader's time starts to count now.
  queued_bytes_ += chunk->size();
  if (broadcast) broadcast_bytes_ += chunk->size();
  queue_.push_back({std::move(chunk), broadcast, rest});
  if (dirty_ || writing_) return;
  dirty_ = true;
  loop_.dirty.push_back(shared_from_this());
}

void Connection::flush() {
  dirty_ = false;
  if (writing_ || state_ == State::Dead) return;
  while (!queue_empty()) {
    std::array<iovec, kMaxIov> parts;
    const std::size_t count = std::min(parts.size(), queue_.size() - queue_first_);
    std::size_t total = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const std::string& octets = *queue_[queue_first_ + i].chunk;
      const std::size_t skip = i == 0 ? offset_ : 0;
      // sendmsg() does not write through the pointer; iovec is shared with readv().
      parts[i] = {const_cast<char*>(octets.data()) + skip, octets.size() - skip};
      total += parts[i].iov_len;
    }
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = count;
    const ssize_t wrote = ::sendmsg(socket_.get(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (wrote < 0) {
      if (errno == EINTR) continue;
      if (errno != EAGAIN && errno != EWOULDBLOCK) return drop();
      return wait_writable();
    }
    written_ms_ = loop_.clock.steady_ms();
    count_octets(loop_.octets_sent, static_cast<std::uint64_t>(wrote));
    pop_written(static_cast<std::size_t>(wrote));
    if (static_cast<std::size_t>(wrote) < total) {
      wait_writable();
      return after_progress();
    }
  }
  after_progress();
}

void Connection::pop_written(std::size_t bytes) {
  queued_bytes_ -= bytes;
  while (bytes > 0) {
    Queued& first = queue_[queue_first_];
    const std::size_t part = std::min(bytes, first.chunk->size() - offset_);
    if (first.broadcast) broadcast_bytes_ -= part;
    offset_ += part;
    bytes -= part;
    if (offset_ < first.chunk->size()) break;
    first.chunk.reset();
    ++queue_first_;
    offset_ = 0;
  }
  if (queue_empty()) {
    // An idle connection keeps no queue, unless it is small and will soon be wanted again.
    if (queue_.capacity() > 16) {
      std::vector<Queued>().swap(queue_);
    } else {
      queue_.clear();
    }
    queue_first_ = 0;
  } else if (queue_first_ >= 256 && queue_first_ * 2 >= queue_.size()) {
    queue_.erase(queue_.begin(), queue_.begin() + static_cast<std::ptrdiff_t>(queue_first_));
    queue_first_ = 0;
  }
}

void Connection::wait_writable() {
  if (writing_) return;
  writing_ = true;
  tell_interest();
}

// Something has been written, or the queue was found empty.
void Connection::after_progress() {
  if (exchange_) on_exchange();
  if (state_ == State::Draining) {
    if (queue_empty()) shut_our_half();
    return;
  }
  go_on();
}

void Connection::begin_draining() {
  if (state_ == State::Dead) return;
  give_up_sink();
  state_ = State::Draining;
  deadline_ms_ = loop_.clock.steady_ms() + loop_.limits.dead_ms;
  Buffer().swap(left_over_);
  if (queue_empty()) shut_our_half();
  if (!processing_) read_on();
}

// Closing at once would answer octets that are still on their way with a reset, and a reset may
// overtake our last words.
void Connection::shut_our_half() {
  if (shut_) return;
  if (peer_ended_) return drop();
  shut_ = true;
  deadline_ms_ = loop_.clock.steady_ms() + loop_.limits.close_grace_ms;
  (void)::shutdown(socket_.get(), SHUT_WR);  // A peer that is gone already shows when we read.
}

void Connection::drop() {
  if (state_ == State::Dead) return;
  const std::shared_ptr<Connection> alive = shared_from_this();
  state_ = State::Dead;
  leave_websocket();
  give_up_sink();
  if (exchange_) exchange_->abandon();
  exchange_.reset();
  http_.reset();
  std::vector<Queued>().swap(queue_);
  queue_first_ = 0;
  Buffer().swap(left_over_);
  if (std::exchange(watched_, false)) loop_.io->forget(socket_.get());
  socket_.reset();
  loop_.table.remove(id_);
}

// --- Time ---

void Connection::check_time(std::int64_t now_ms) {
  const TransportLimits& limits = loop_.limits;
  const bool waits = !queue_empty();
  switch (state_) {
    case State::Http:
      if (waits && now_ms - written_ms_ >= limits.write_stall_ms) return drop();
      if (sink_) {
        if (sink_->full()) seen_ms_ = now_ms;  // It is our disk that is slow.
        if (now_ms - seen_ms_ < limits.upload_stall_ms) return;
      }
      if (now_ms < deadline_ms_ || waits) return;
      if (http_->started()) return refuse(408);
      return begin_draining();
    case State::Handling:
      if (waits && now_ms - written_ms_ >= limits.write_stall_ms) drop();
      return;
    case State::WebSocket:
      if (waits && now_ms - written_ms_ >= limits.write_stall_ms) {
        loop_.dropped_slow.fetch_add(1, std::memory_order_relaxed);
        return drop();
      }
      if (!may_read()) seen_ms_ = now_ms;  // It is we who do not listen.
      if (now_ms - seen_ms_ >= limits.dead_ms) return drop();
      if (now_ms - seen_ms_ >= limits.ping_ms && now_ms - pinged_ms_ >= limits.ping_ms) {
        pinged_ms_ = now_ms;
        enqueue(make_chunk(encode_frame(Opcode::Ping, {})), false);
      }
      return;
    case State::Draining: {
      const std::int64_t stall = was_websocket_ ? limits.close_grace_ms : limits.write_stall_ms;
      if (now_ms >= deadline_ms_ || (waits && now_ms - written_ms_ >= stall)) drop();
      return;
    }
    case State::Dead:
      return;
  }
}

}  // namespace diaryx::web
