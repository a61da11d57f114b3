// RFC 6455 without a socket: octets in, messages out. The transport feeds what it read and sends
// what these functions make; nothing here waits, allocates for a length that was only claimed, or
// throws.
//
//   frame    := fin:1 rsv:3 opcode:4  mask:1 length:7  [length:u16 | length:u64]  [key:u8[4]]
//   payload:u8[length]
//
//   rsv      0: we agree to no extension.
//   opcode   0 continuation, 1 text, 2 binary, 8 close, 9 ping, 10 pong; anything else is refused
//   (1002). length   in the shortest of its three forms, most significant octet first, below 2^63.
//   mask     set by clients, never by us. The payload is XORed with the key, octet by octet.
//   control  (8, 9, 10) at most 125 octets, never fragmented; may stand between the fragments of a
//   message. close    empty, or code:u16 and a reason in UTF-8.
//
// Example: 81 85 37 fa 21 3d 7f 9f 4d 51 58 is the masked text "Hello"; 88 02 03 e8 is our close
// with code 1000.
//
// The parser is our own and not wslay's, because an idle wslay context holds 8.3 KiB, because it
// lets a close frame of one octet and a claimed length of 2^62 pass, and because a message that
// lies whole in the read buffer need not be copied to be checked. wslay is the other end in the
// tests.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "engine/base/bytes.h"

namespace diaryx::web {

enum class Opcode : std::uint8_t {
  Continuation = 0,
  Text = 1,
  Binary = 2,
  Close = 8,
  Ping = 9,
  Pong = 10
};

// --- What we send: unmasked, never fragmented ---

void append_frame_header(std::string& out, Opcode opcode, std::size_t payload_bytes);
std::string encode_frame(Opcode opcode, std::string_view payload);
// The reason is cut to what a close frame holds (123 octets), at a character's border.
std::string encode_close(std::uint16_t code, std::string_view reason);

// Sec-WebSocket-Accept for a Sec-WebSocket-Key.
std::string accept_value(std::string_view key);
// A key is 16 octets in base64.
bool is_websocket_key(std::string_view key);

// --- What clients send ---

class FrameParser {
 public:
  // A message (the sum of its fragments) longer than this is refused with 1009 as soon as its
  // length is known.
  explicit FrameParser(std::size_t max_message_bytes) : max_message_bytes_(max_message_bytes) {}

  enum class Event : std::uint8_t {
    None,    // All input taken; nothing to report.
    Text,    // A whole message of UTF-8.
    Binary,  // A whole message.
    Ping,    // Answer with a pong that has the same payload.
    Pong,
    Close,   // close_code 1005 stands for "none given". Answer with a close; nothing more will be
             // reported.
    Failed,  // Close with close_code (1002 protocol, 1007 not UTF-8, 1009 too long). Nothing more
             // will be reported.
  };
  struct Step {
    Event event = Event::None;
    std::size_t consumed = 0;  // Octets of the input that are done with; feed the rest again.
    Bytes payload;             // Borrows from the input, or from `storage` if that is not empty.
    Buffer storage;            // The payload of a message or control frame that came in pieces.
    std::uint16_t close_code = 0;
    const char* reason = "";  // Failed: what was wrong, for the close frame.
  };
  // Takes octets up to the end of the next thing to report. Unmasks in place: `input` is
  // overwritten.
  Step feed(std::span<std::uint8_t> input);

  // Nothing of a frame or message is held: what an idle connection looks like.
  bool at_rest() const noexcept { return header_bytes_ == 0 && !in_payload_ && !message_open_; }

 private:
  Step fail(std::size_t consumed, std::uint16_t code, const char* reason);
  // Checks what the header says so far; true once it is complete.
  bool read_header(std::span<const std::uint8_t> input, std::size_t& used, Step& failure);
  bool check_first_octets(Step& failure);
  bool check_length(Step& failure);
  Step finish_frame(std::size_t consumed, Bytes payload, bool in_place);
  Step finish_close(std::size_t consumed, Bytes payload);
  std::size_t header_size() const noexcept;

  const std::size_t max_message_bytes_;
  Buffer message_;  // The fragments so far; given away with every message, so that an idle
                    // connection holds nothing.
  Buffer control_;  // A control frame that came in pieces.
  std::uint64_t remaining_ = 0;  // Payload octets of the current frame that are still to come.
  std::array<std::uint8_t, 14> header_{};
  std::uint8_t header_bytes_ = 0;
  std::uint8_t mask_offset_ = 0;
  Opcode opcode_ = Opcode::Continuation;          // Of the current frame.
  Opcode message_opcode_ = Opcode::Continuation;  // Of the message being put together.
  bool fin_ = false;
  bool in_payload_ = false;
  bool message_open_ = false;
  bool finished_ = false;
};

}  // namespace diaryx::web
