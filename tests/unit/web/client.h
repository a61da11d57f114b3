// The other end of the tests: a blocking socket that sends exactly the octets it is given, and
// WebSocket frames made by hand, so that wrong ones can be made too.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace diaryx::test {

// A client's frame, masked unless told otherwise. `length` overrides what the header claims, in the
// 64-bit form.
struct ClientFrame {
  unsigned opcode = 2;
  std::string payload;
  bool fin = true;
  bool masked = true;
  unsigned rsv = 0;
  std::optional<std::uint64_t> length = {};
};
std::string encode(const ClientFrame& frame);
std::string text_frame(std::string_view text);
std::string binary_frame(std::string_view bytes);
// code 0: an empty close frame.
std::string close_frame(std::uint16_t code, std::string_view reason = {});

// A frame of the server's. opcode 8 with code 1005: an empty close.
struct ServerFrame {
  unsigned opcode = 0;
  std::string payload;
  std::uint16_t close_code() const;
};

struct Response {
  int status = 0;
  std::string head;  // With the status line, without the empty line.
  std::string body;
  // "" if there is none. Names are compared in any case of letters.
  std::string field(std::string_view name) const;
};

class Client {
 public:
  // Connects to 127.0.0.1. `receive_buffer`: SO_RCVBUF, 0 for the system's choice.
  explicit Client(std::uint16_t port, int receive_buffer = 0);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // False if the peer is gone.
  bool send(std::string_view octets);
  void end_sending();
  // Gone without a word: the other side gets a reset. Only the destructor may follow.
  void reset();
  // Everything up to the end of one response; nothing if the connection ends first or `wait_ms`
  // pass.
  std::optional<Response> response(int wait_ms = 5000, bool head_only = false);
  // The next frame; nothing if the connection ends first or `wait_ms` pass.
  std::optional<ServerFrame> frame(int wait_ms = 5000);
  // True if the connection has ended, or ends within `wait_ms`, with nothing more to read.
  bool ended(int wait_ms = 5000);
  // Reads and throws away until the end.
  void drain(int wait_ms = 5000);

  // Sends the handshake and reads the answer. `fields`: more header lines, each ending in CRLF.
  std::optional<Response> upgrade(std::string_view target, std::string_view fields = {});

  // Some more octets into `unread`; false at the end, or if none come in time.
  bool receive(int wait_ms);
  std::string unread;         // Received and not looked at yet.
  bool answers_pings = true;  // Within frame(), which then does not report them.

 private:
  int fd_ = -1;
  std::uint16_t port_;
};

// GET with Host: localhost:port and Connection: close.
std::optional<Response> get(std::uint16_t port, std::string_view target,
                            std::string_view fields = {});
std::optional<Response> request(std::uint16_t port, std::string_view method,
                                std::string_view target, std::string_view body,
                                std::string_view fields = {});

}  // namespace diaryx::test
