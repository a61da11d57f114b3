#include "tests/unit/web/client.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/base/check.h"

namespace diaryx::test {
namespace {

constexpr std::string_view kKey = "\x37\xfa\x21\x3d";

std::int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

}  // namespace

std::string encode(const ClientFrame& frame) {
  std::string out;
  out.push_back(static_cast<char>((frame.fin ? 0x80U : 0U) | (frame.rsv << 4U) | frame.opcode));
  const unsigned mask = frame.masked ? 0x80U : 0U;
  const std::uint64_t length = frame.length.value_or(frame.payload.size());
  int octets = 0;
  if (!frame.length && length < 126) {
    out.push_back(static_cast<char>(mask | static_cast<unsigned>(length)));
  } else if (!frame.length && length < 65'536) {
    out.push_back(static_cast<char>(mask | 126U));
    octets = 2;
  } else {
    out.push_back(static_cast<char>(mask | 127U));
    octets = 8;
  }
  for (int i = octets - 1; i >= 0; --i) out.push_back(static_cast<char>(length >> (8 * i)));
  if (!frame.masked) return out + frame.payload;
  out.append(kKey);
  for (std::size_t i = 0; i < frame.payload.size(); ++i) {
    out.push_back(static_cast<char>(frame.payload[i] ^ kKey[i & 3U]));
  }
  return out;
}

std::string text_frame(std::string_view text) {
  return encode({.opcode = 1, .payload = std::string(text)});
}
std::string binary_frame(std::string_view bytes) {
  return encode({.opcode = 2, .payload = std::string(bytes)});
}
std::string close_frame(std::uint16_t code, std::string_view reason) {
  std::string payload;
  if (code != 0) {
    payload.push_back(static_cast<char>(code >> 8U));
    payload.push_back(static_cast<char>(code & 0xffU));
    payload.append(reason);
  }
  return encode({.opcode = 8, .payload = payload});
}

std::uint16_t ServerFrame::close_code() const {
  if (payload.size() < 2) return 1005;
  return static_cast<std::uint16_t>(static_cast<unsigned char>(payload[0]) << 8U |
                                    static_cast<unsigned char>(payload[1]));
}

std::string Response::field(std::string_view name) const {
  std::size_t at = head.find("\r\n");
  while (at != std::string::npos) {
    at += 2;
    const std::size_t end = std::min(head.find("\r\n", at), head.size());
    const std::size_t colon = head.find(':', at);
    if (colon < end &&
        std::equal(head.begin() + static_cast<std::ptrdiff_t>(at),
                   head.begin() + static_cast<std::ptrdiff_t>(colon), name.begin(), name.end(),
                   [](char a, char b) { return lower(a) == lower(b); })) {
      return head.substr(colon + 2, end - colon - 2);
    }
    at = end == head.size() ? std::string::npos : end;
  }
  return {};
}

Client::Client(std::uint16_t port, int receive_buffer)
    : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)), port_(port) {
  DX_CHECK(fd_ >= 0);
  if (receive_buffer > 0) {
    DX_CHECK(::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer) == 0);
  }
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  DX_CHECK(::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
}

Client::~Client() {
  ::close(fd_);
}

bool Client::send(std::string_view octets) {
  while (!octets.empty()) {
    const ssize_t sent = ::send(fd_, octets.data(), octets.size(), MSG_NOSIGNAL);
    if (sent < 0) return false;
    octets.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

void Client::reset() {
  const linger at_once{1, 0};
  DX_CHECK(::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) == 0);
  ::close(fd_);
  fd_ = -1;
}

void Client::end_sending() {
  ::shutdown(fd_, SHUT_WR);
}

bool Client::receive(int wait_ms) {
  pollfd waiting{fd_, POLLIN, 0};
  if (::poll(&waiting, 1, std::max(wait_ms, 0)) <= 0) return false;
  std::array<char, 65'536> buffer{};
  const ssize_t got = ::recv(fd_, buffer.data(), buffer.size(), 0);
  if (got <= 0) return false;
  unread.append(buffer.data(), static_cast<std::size_t>(got));
  return true;
}

std::optional<Response> Client::response(int wait_ms, bool head_only) {
  const std::int64_t until = now_ms() + wait_ms;
  const auto more = [&] { return receive(static_cast<int>(until - now_ms())); };
  while (unread.find("\r\n\r\n") == std::string::npos) {
    if (!more()) return std::nullopt;
  }
  Response out;
  const std::size_t end = unread.find("\r\n\r\n");
  out.head = unread.substr(0, end);
  out.status = std::atoi(out.head.c_str() + out.head.find(' '));
  unread.erase(0, end + 4);
  if (out.status == 100 || out.status == 101 || head_only) return out;
  const std::size_t size =
      static_cast<std::size_t>(std::atoll(("0" + out.field("content-length")).c_str()));
  while (unread.size() < size) {
    if (!more()) return std::nullopt;
  }
  out.body = unread.substr(0, size);
  unread.erase(0, size);
  return out;
}

std::optional<ServerFrame> Client::frame(int wait_ms) {
  const std::int64_t until = now_ms() + wait_ms;
  for (;;) {
    if (unread.size() >= 2) {
      const auto octet = [&](std::size_t i) { return static_cast<unsigned char>(unread[i]); };
      DX_CHECK((octet(1) & 0x80U) == 0);  // Servers do not mask.
      std::uint64_t length = octet(1);
      std::size_t header = 2;
      const std::size_t wide = length == 126 ? 2 : length == 127 ? 8 : 0;
      if (unread.size() >= header + wide) {
        if (wide > 0) length = 0;
        for (std::size_t i = 0; i < wide; ++i) length = length << 8U | octet(2 + i);
        header += wide;
        if (unread.size() >= header + length) {
          ServerFrame out{octet(0) & 0x0fU, unread.substr(header, length)};
          unread.erase(0, header + length);
          if (out.opcode != 9 || !answers_pings) return out;
          (void)send(
              encode({.opcode = 10, .payload = out.payload}));  // Gone: the next read shows it.
          continue;
        }
      }
    }
    if (!receive(static_cast<int>(until - now_ms()))) return std::nullopt;
  }
}

bool Client::ended(int wait_ms) {
  pollfd waiting{fd_, POLLIN, 0};
  if (::poll(&waiting, 1, wait_ms) <= 0) return false;
  char octet = 0;
  return ::recv(fd_, &octet, 1, MSG_PEEK) <= 0;
}

void Client::drain(int wait_ms) {
  const std::int64_t until = now_ms() + wait_ms;
  while (receive(static_cast<int>(until - now_ms()))) unread.clear();
}

std::optional<Response> Client::upgrade(std::string_view target, std::string_view fields) {
  std::string head = "GET " + std::string(target) +
                     " HTTP/1.1\r\nHost: localhost:" + std::to_string(port_) +
                     "\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
                     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";
  head.append(fields).append("\r\n");
  if (!send(head)) return std::nullopt;
  return response();
}

std::optional<Response> request(std::uint16_t port, std::string_view method,
                                std::string_view target, std::string_view body,
                                std::string_view fields) {
  Client client(port);
  std::string head(method);
  head.append(" ")
      .append(target)
      .append(" HTTP/1.1\r\nHost: localhost:")
      .append(std::to_string(port));
  head.append("\r\nConnection: close\r\n").append(fields);
  if (!body.empty())
    head.append("Content-Length: ").append(std::to_string(body.size())).append("\r\n");
  head.append("\r\n").append(body);
  (void)client.send(head);  // A refusal may come, and be read, before all is sent.
  return client.response(5000, method == "HEAD");
}

std::optional<Response> get(std::uint16_t port, std::string_view target, std::string_view fields) {
  return request(port, "GET", target, {}, fields);
}

}  // namespace diaryx::test
