#include "web/websocket.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include <openssl/evp.h>

#include "engine/base/check.h"
#include "engine/base/hash.h"
#include "engine/base/utf.h"

namespace diaryx::web {
namespace {

constexpr std::uint16_t kProtocolError = 1002;
constexpr std::uint16_t kNoCode = 1005;
constexpr std::uint16_t kBadText = 1007;
constexpr std::uint16_t kTooBig = 1009;
constexpr std::size_t kMaxControlBytes = 125;

bool is_control(Opcode opcode) {
  return (static_cast<unsigned>(opcode) & 8U) != 0;
}

bool is_known(Opcode opcode) {
  switch (opcode) {
    case Opcode::Continuation:
    case Opcode::Text:
    case Opcode::Binary:
    case Opcode::Close:
    case Opcode::Ping:
    case Opcode::Pong:
      return true;
  }
  return false;
}

// Codes that may stand in a close frame: RFC 6455 §7.4 and what IANA registered since, and the two
// ranges for applications.
bool may_be_sent(std::uint16_t code) {
  return (code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006) ||
         (code >= 3000 && code <= 4999);
}

// XORs `bytes` with the key, the first octet with key[offset]. Returns the offset for what follows.
std::uint8_t unmask(std::span<std::uint8_t> bytes, const std::uint8_t* key, std::uint8_t offset) {
  std::array<std::uint8_t, 8> pattern{};
  for (std::size_t i = 0; i < pattern.size(); ++i) pattern[i] = key[(offset + i) & 3U];
  std::uint64_t wide = 0;
  std::memcpy(&wide, pattern.data(), sizeof wide);
  std::size_t i = 0;
  for (; i + sizeof wide <= bytes.size(); i += sizeof wide) {
    std::uint64_t chunk = 0;
    std::memcpy(&chunk, bytes.data() + i, sizeof chunk);
    chunk ^= wide;
    std::memcpy(bytes.data() + i, &chunk, sizeof chunk);
  }
  for (; i < bytes.size(); ++i) bytes[i] ^= pattern[i & 7U];
  return static_cast<std::uint8_t>((offset + bytes.size()) & 3U);
}

}  // namespace

// --- What we send ---

void append_frame_header(std::string& out, Opcode opcode, std::size_t payload_bytes) {
  out.push_back(static_cast<char>(0x80U | static_cast<unsigned>(opcode)));
  const auto append_length = [&](int octets) {
    for (int i = octets - 1; i >= 0; --i) {
      out.push_back(static_cast<char>(static_cast<std::uint64_t>(payload_bytes) >> (8 * i)));
    }
  };
  if (payload_bytes < 126) {
    append_length(1);
  } else if (payload_bytes < 65'536) {
    out.push_back(126);
    append_length(2);
  } else {
    out.push_back(127);
    append_length(8);
  }
}

std::string encode_frame(Opcode opcode, std::string_view payload) {
  std::string out;
  out.reserve(payload.size() + 10);
  append_frame_header(out, opcode, payload.size());
  out.append(payload);
  return out;
}

std::string encode_close(std::uint16_t code, std::string_view reason) {
  std::string payload;
  payload.push_back(static_cast<char>(code >> 8U));
  payload.push_back(static_cast<char>(code & 0xffU));
  if (!is_utf8(reason)) reason = {};
  std::size_t size = std::min(reason.size(), kMaxControlBytes - payload.size());
  while (size < reason.size() && size > 0 &&
         (static_cast<unsigned char>(reason[size]) & 0xC0U) == 0x80U)
    --size;
  payload.append(reason.substr(0, size));
  return encode_frame(Opcode::Close, payload);
}

std::string accept_value(std::string_view key) {
  std::string text(key);
  text += "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  std::array<std::uint8_t, 20> digest{};
  DX_CHECK(EVP_Digest(text.data(), text.size(), digest.data(), nullptr, EVP_sha1(), nullptr) == 1);
  return to_base64(digest);
}

bool is_websocket_key(std::string_view key) {
  const auto bytes = from_base64(key);
  return bytes && bytes->size() == 16;
}

// --- What clients send ---

FrameParser::Step FrameParser::fail(std::size_t consumed, std::uint16_t code, const char* reason) {
  finished_ = true;
  Buffer().swap(message_);
  Buffer().swap(control_);
  return {Event::Failed, consumed, {}, {}, code, reason};
}

std::size_t FrameParser::header_size() const noexcept {
  const unsigned length = header_[1] & 0x7fU;
  return 6U + (length == 126 ? 2U : length == 127 ? 8U : 0U);
}

// As soon as the first two octets are there.
bool FrameParser::check_first_octets(Step& failure) {
  fin_ = (header_[0] & 0x80U) != 0;
  opcode_ = static_cast<Opcode>(header_[0] & 0x0fU);
  const unsigned length = header_[1] & 0x7fU;
  const char* wrong = nullptr;
  if ((header_[0] & 0x70U) != 0)
    wrong = "reserved bits are set";
  else if (!is_known(opcode_))
    wrong = "unknown opcode";
  else if ((header_[1] & 0x80U) == 0)
    wrong = "frame is not masked";
  else if (is_control(opcode_) && !fin_)
    wrong = "control frame is fragmented";
  else if (is_control(opcode_) && length > kMaxControlBytes)
    wrong = "control frame is longer than 125 octets";
  else if (opcode_ == Opcode::Close && length == 1)
    wrong = "close frame of one octet";
  else if (opcode_ == Opcode::Continuation && !message_open_)
    wrong = "continuation without a message";
  else if (!is_control(opcode_) && opcode_ != Opcode::Continuation && message_open_)
    wrong = "new message inside another";
  if (wrong != nullptr) failure = fail(0, kProtocolError, wrong);
  return wrong == nullptr;
}

// As soon as the length is there; the masking key may still be missing.
bool FrameParser::check_length(Step& failure) {
  const unsigned length = header_[1] & 0x7fU;
  remaining_ = length;
  if (length >= 126) {
    remaining_ = 0;
    const std::size_t octets = length == 126 ? 2 : 8;
    for (std::size_t i = 0; i < octets; ++i) remaining_ = remaining_ << 8U | header_[2 + i];
    const char* wrong = nullptr;
    if (remaining_ < (length == 126 ? 126U : 65'536U))
      wrong = "length is not in its shortest form";
    else if ((remaining_ >> 63U) != 0)
      wrong = "length of 2^63 or more";
    if (wrong != nullptr) {
      failure = fail(0, kProtocolError, wrong);
      return false;
    }
  }
  if (!is_control(opcode_) && remaining_ > max_message_bytes_ - message_.size()) {
    failure = fail(0, kTooBig, "message is too long");
    return false;
  }
  return true;
}

bool FrameParser::read_header(std::span<const std::uint8_t> input, std::size_t& used,
                              Step& failure) {
  const auto take_until = [&](std::size_t size) {
    const std::size_t count = std::min(size - header_bytes_, input.size() - used);
    std::copy_n(input.begin() + static_cast<std::ptrdiff_t>(used), count,
                header_.begin() + header_bytes_);
    used += count;
    header_bytes_ = static_cast<std::uint8_t>(header_bytes_ + count);
    return header_bytes_ == size;
  };
  // What can be refused is refused at once, so that a peer who never sends the rest gains nothing.
  if (header_bytes_ < 2) {
    if (!take_until(2) || !check_first_octets(failure)) return false;
  }
  const std::size_t size = header_size();
  if (header_bytes_ < size - 4) {
    if (!take_until(size - 4)) return false;
  }
  if (header_bytes_ == size - 4 && !check_length(failure)) return false;
  if (!take_until(size)) return false;
  mask_offset_ = 0;
  in_payload_ = true;
  return true;
}

FrameParser::Step FrameParser::feed(std::span<std::uint8_t> input) {
  Step nothing;
  nothing.consumed = input.size();
  if (finished_) return nothing;
  std::size_t used = 0;
  for (;;) {
    if (!in_payload_) {
      Step failure;
      if (!read_header(input, used, failure)) {
        failure.consumed = input.size();
        return failure;  // Event::None if there is simply more to come.
      }
    }
    const auto count =
        static_cast<std::size_t>(std::min<std::uint64_t>(remaining_, input.size() - used));
    const std::span<std::uint8_t> part = input.subspan(used, count);
    mask_offset_ = unmask(part, header_.data() + header_bytes_ - 4, mask_offset_);
    used += count;
    remaining_ -= count;
    Buffer& held = is_control(opcode_) ? control_ : message_;
    const bool whole =
        remaining_ == 0 && held.empty() && (is_control(opcode_) || (fin_ && !message_open_));
    if (!whole) held.insert(held.end(), part.begin(), part.end());
    if (remaining_ > 0) return nothing;
    Step step = finish_frame(used, whole ? Bytes(part) : Bytes(held), whole);
    if (step.event != Event::None) return step;
  }
}

// The current frame is complete. Event::None if its message is not. Moving a Buffer leaves its
// octets where they are, so that `payload` stays good when its storage goes into the Step.
FrameParser::Step FrameParser::finish_frame(std::size_t consumed, Bytes payload, bool in_place) {
  header_bytes_ = 0;
  in_payload_ = false;
  Step step;
  step.consumed = consumed;
  step.payload = payload;
  if (is_control(opcode_)) {
    if (!in_place) step.storage = std::exchange(control_, {});
    if (opcode_ == Opcode::Close) return finish_close(consumed, payload);
    step.event = opcode_ == Opcode::Ping ? Event::Ping : Event::Pong;
    return step;
  }
  if (opcode_ != Opcode::Continuation) message_opcode_ = opcode_;
  message_open_ = !fin_;
  if (!fin_) return step;
  if (!in_place) step.storage = std::exchange(message_, {});
  step.event = message_opcode_ == Opcode::Text ? Event::Text : Event::Binary;
  if (step.event == Event::Text && !is_utf8(as_text(payload)))
    return fail(consumed, kBadText, "text is not UTF-8");
  return step;
}

FrameParser::Step FrameParser::finish_close(std::size_t consumed, Bytes payload) {
  std::uint16_t code = kNoCode;
  if (payload.size() >= 2) {
    code = static_cast<std::uint16_t>(payload[0] << 8U | payload[1]);
    if (!may_be_sent(code)) return fail(consumed, kProtocolError, "close code may not be sent");
    if (!is_utf8(as_text(payload.subspan(2))))
      return fail(consumed, kBadText, "close reason is not UTF-8");
  }
  finished_ = true;
  Step step;
  step.event = Event::Close;
  step.consumed = consumed;
  step.close_code = code;
  return step;
}

}  // namespace diaryx::web
