#include "tests/bench/server/socket.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/bench/server/figures.h"

namespace diaryx::bench {
namespace {

// Not zero: some servers skip the unmasking then.
constexpr std::array<unsigned char, 4> kMask{0x5a, 0xc3, 0x17, 0x9e};
constexpr unsigned kBinary = 2;
constexpr unsigned kClose = 8;
constexpr unsigned kPing = 9;
constexpr unsigned kPong = 10;

unsigned octet_at(std::string_view octets, std::size_t i) {
  return static_cast<unsigned char>(octets[i]);
}

}  // namespace

// --- Reader ---

Reader::Reader(asio::io_context& io) : epoll_(::epoll_create1(EPOLL_CLOEXEC)), watch_(io, epoll_) {
  wait();
}

void Reader::add(int descriptor, Socket* socket) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = socket;
  ::epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event);
}

void Reader::remove(int descriptor) {
  ::epoll_ctl(epoll_, EPOLL_CTL_DEL, descriptor, nullptr);
}

void Reader::wait() {
  watch_.async_wait(asio::posix::descriptor_base::wait_read, [this](asio::error_code error) {
    if (error) return;
    take();
    wait();
  });
}

void Reader::take() {
  std::array<epoll_event, 256> ready{};
  const int count = ::epoll_wait(epoll_, ready.data(), static_cast<int>(ready.size()), 0);
  for (int i = 0; i < count; ++i)
    (void)static_cast<Socket*>(ready[static_cast<std::size_t>(i)].data.ptr)->read_some();
}

// --- Socket ---

void Socket::connect(const asio::ip::tcp::endpoint& to, std::string request, int receive_buffer,
                     std::function<void()> done) {
  asio::error_code error;
  socket_.open(to.protocol(), error);
  if (error) return end("open: " + error.message());
  if (receive_buffer > 0)
    socket_.set_option(asio::socket_base::receive_buffer_size(receive_buffer), error);
  done_ = std::move(done);
  out_ = std::move(request);
  socket_.async_connect(to, [this](asio::error_code failed) {
    if (failed) return end("connect: " + failed.message());
    asio::error_code ignored;
    socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
    socket_.non_blocking(true, ignored);
    reader_.add(socket_.native_handle(), this);
    flush();
  });
}

void Socket::send(std::string_view payload) {
  put_frame(kBinary, payload);
  flush();
}

void Socket::stop_reading() {
  reader_.remove(socket_.native_handle());
}

std::size_t Socket::read_some(std::size_t most) {
  static std::vector<char> scratch(1U << 18U);
  if (ended_) return 0;
  const ssize_t got =
      ::recv(socket_.native_handle(), scratch.data(), std::min(most, scratch.size()), 0);
  if (got > 0) {
    take({scratch.data(), static_cast<std::size_t>(got)});
    return static_cast<std::size_t>(got);
  }
  if (got == 0) {
    end("read: end of stream");
  } else if (errno != EAGAIN && errno != EINTR) {
    end(std::string("read: ") + std::strerror(errno));
  }
  return 0;
}

void Socket::drain(double seconds) {
  constexpr std::uint64_t kSilenceNs = 500'000'000;
  const std::uint64_t until = now_ns() + static_cast<std::uint64_t>(seconds * 1e9);
  for (std::uint64_t last = now_ns(); !ended_ && now_ns() < until;) {
    if (read_some() > 0) {
      last = now_ns();
    } else if (now_ns() - last > kSilenceNs) {
      return;
    } else {
      ::usleep(1000);
    }
  }
}

void Socket::end(const std::string& why) {
  if (ended_) return;
  ended_ = true;
  open_ = false;
  asio::error_code ignored;
  socket_.close(ignored);
  if (on_end) on_end(why);
}

void Socket::put_frame(unsigned opcode, std::string_view payload) {
  const std::size_t size = payload.size();
  const auto put = [this](std::size_t octet) { out_.push_back(static_cast<char>(octet & 255U)); };
  put(0x80U | opcode);
  if (size < 126) {
    put(0x80U | size);
  } else if (size < 65'536) {
    put(0x80U | 126U);
    put(size >> 8U);
    put(size);
  } else {
    put(0x80U | 127U);
    for (unsigned shift = 64; shift > 0; shift -= 8) put(size >> (shift - 8));
  }
  for (const unsigned char octet : kMask) put(octet);
  const std::size_t at = out_.size();
  out_.append(payload);
  for (std::size_t i = 0; i < size; ++i)
    out_[at + i] = static_cast<char>(static_cast<unsigned char>(out_[at + i]) ^ kMask[i & 3U]);
}

void Socket::flush() {
  if (write_pending_ || out_.empty() || ended_) return;
  write_pending_ = true;
  writing_.clear();
  writing_.swap(out_);
  asio::async_write(socket_, asio::buffer(writing_), [this](asio::error_code error, std::size_t) {
    write_pending_ = false;
    if (error) return end("write: " + error.message());
    flush();
  });
}

// Octets of the handshake's answer; 0: not whole yet, or refused.
std::size_t Socket::take_handshake(std::string_view octets) {
  const std::size_t head = octets.find("\r\n\r\n");
  if (head == std::string_view::npos) return 0;
  const std::string_view line = octets.substr(0, octets.find("\r\n"));
  if (line.find(" 101") == std::string_view::npos) {
    end("handshake: " + std::string(line));
    return 0;
  }
  open_ = was_open_ = true;
  if (done_) done_();
  return head + 4;
}

void Socket::take_frame(std::uint8_t first, std::string_view payload, std::uint64_t received_ns) {
  const unsigned opcode = first & 15U;
  if (opcode == kClose) {
    if (payload.size() < 2) return end("closed without a code");
    return end("code " + std::to_string(octet_at(payload, 0) << 8U | octet_at(payload, 1)));
  }
  if (opcode == kPing) {
    put_frame(kPong, payload);
    return flush();
  }
  if (opcode == kPong) return;
  const bool last = (first & 0x80U) != 0;
  if (last && opcode != 0) {
    ++received_messages_;
    if (opcode == kBinary && on_message) on_message(payload, received_ns);
    return;
  }
  if (opcode != 0) message_.clear();
  message_.append(payload);
  if (!last) return;
  ++received_messages_;
  if (on_message) on_message(message_, received_ns);
  message_.clear();
}

// All whole frames of what came; the rest is kept.
void Socket::take(std::string_view fresh) {
  const std::uint64_t received_ns = now_ns();
  received_bytes_ += fresh.size();
  std::string_view all = fresh;
  if (!in_.empty()) {
    in_.append(fresh);
    all = in_;
  }
  std::size_t used = 0;
  std::size_t wanted = 0;  // Octets of a frame that is not whole.
  if (!was_open_) used = take_handshake(all);
  while (was_open_ && !ended_) {
    const std::string_view rest = all.substr(used);
    if (rest.size() < 2) break;
    std::size_t head = 2;
    std::size_t size = octet_at(rest, 1) & 127U;
    if (size > 125) {
      const std::size_t width = size == 126 ? 2 : 8;
      if (rest.size() < head + width) break;
      size = 0;
      for (std::size_t i = 0; i < width; ++i) size = size << 8U | octet_at(rest, 2 + i);
      head += width;
    }
    if (rest.size() < head + size) {
      wanted = head + size;
      break;
    }
    used += head + size;
    take_frame(static_cast<std::uint8_t>(rest[0]), rest.substr(head, size), received_ns);
  }
  if (used == 0 && !in_.empty()) {
    if (in_.capacity() < wanted) in_.reserve(wanted);
    return;
  }
  std::string kept;
  kept.reserve(wanted);
  kept = all.substr(used);
  in_.swap(kept);
}

}  // namespace diaryx::bench
