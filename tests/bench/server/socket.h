// A client's WebSocket, small enough that a thousand of them on one thread cost less than the
// server that is measured.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <string_view>

#include <asio.hpp>

namespace diaryx::bench {

class Socket;

// Reads for all sockets: an epoll set of their own, which Asio watches as one descriptor. One
// recv() for each readable socket and nothing else; waiting for each of them through Asio would
// cost as much as a fast server.
class Reader {
 public:
  explicit Reader(asio::io_context& io);
  void add(int descriptor, Socket* socket);
  void remove(int descriptor);

 private:
  void wait();
  void take();

  int epoll_;
  asio::posix::stream_descriptor watch_;
};

class Socket {
 public:
  Socket(asio::io_context& io, Reader& reader) : socket_(io), reader_(reader) {}

  std::function<void(std::string_view message, std::uint64_t received_ns)> on_message;
  // Once: it failed, or the other end closed it; "code 4408" if it said so.
  std::function<void(const std::string& why)> on_end;

  // `request` is the whole handshake. `receive_buffer`: of the kernel, in octets; 0: as usual.
  void connect(const asio::ip::tcp::endpoint& to, std::string request, int receive_buffer,
               std::function<void()> done);
  void send(std::string_view payload);
  // Nothing more is read but by read_some().
  void stop_reading();
  // What is there now, at most so many octets; returns how many it was.
  std::size_t read_some(std::size_t most = std::numeric_limits<std::size_t>::max());
  // For one that stopped reading: takes all that the kernel and the server hold for it, until its
  // end, half a second of silence or `seconds` are over.
  void drain(double seconds);

  bool open() const noexcept { return open_; }
  bool was_open() const noexcept { return was_open_; }
  bool ended() const noexcept { return ended_; }
  std::uint64_t received_bytes() const noexcept { return received_bytes_; }
  std::uint64_t received_messages() const noexcept { return received_messages_; }

 private:
  void end(const std::string& why);
  void put_frame(unsigned opcode, std::string_view payload);
  void flush();
  void take(std::string_view fresh);
  std::size_t take_handshake(std::string_view octets);
  void take_frame(std::uint8_t first, std::string_view payload, std::uint64_t received_ns);

  asio::ip::tcp::socket socket_;
  Reader& reader_;
  std::function<void()> done_;
  std::string in_;       // The start of what has not come whole yet.
  std::string message_;  // Fragments of one message.
  std::string out_;
  std::string writing_;
  std::uint64_t received_bytes_ = 0;
  std::uint64_t received_messages_ = 0;
  bool open_ = false;
  bool was_open_ = false;
  bool ended_ = false;
  bool write_pending_ = false;
};

}  // namespace diaryx::bench
