#include "web/websocket.h"

#include <cstring>
#include <deque>
#include <memory>
#include <vector>

#include <doctest/doctest.h>
#include <wslay/wslay.h>

#include "engine/base/random.h"
#include "tests/support/hex.h"
#include "tests/unit/web/client.h"

using namespace diaryx;
using namespace diaryx::web;
using test::ClientFrame;

namespace {

constexpr std::size_t kMax = 16U << 20U;

// What a parser reports, one line each: "text Hello", "ping p", "close 1000", "failed 1002".
std::vector<std::string> feed_all(FrameParser& parser, std::string_view octets, std::size_t piece) {
  std::vector<std::string> out;
  Buffer all = to_buffer(as_bytes(octets));
  std::span<std::uint8_t> rest(all);
  while (!rest.empty()) {
    const FrameParser::Step step = parser.feed(rest.first(std::min(piece, rest.size())));
    const std::string payload(as_text(step.payload));
    switch (step.event) {
      case FrameParser::Event::None:
        break;
      case FrameParser::Event::Text:
        out.push_back("text " + payload);
        break;
      case FrameParser::Event::Binary:
        out.push_back("binary " + payload);
        break;
      case FrameParser::Event::Ping:
        out.push_back("ping " + payload);
        break;
      case FrameParser::Event::Pong:
        out.push_back("pong " + payload);
        break;
      case FrameParser::Event::Close:
        out.push_back("close " + std::to_string(step.close_code));
        break;
      case FrameParser::Event::Failed:
        out.push_back("failed " + std::to_string(step.close_code));
        break;
    }
    rest = rest.subspan(step.consumed);
  }
  return out;
}

std::vector<std::string> parse(const std::vector<std::string>& frames, std::size_t piece = SIZE_MAX,
                               std::size_t max_bytes = kMax) {
  FrameParser parser(max_bytes);
  std::string octets;
  for (const std::string& frame : frames) octets += frame;
  return feed_all(parser, octets, piece);
}

using Lines = std::vector<std::string>;

}  // namespace

TEST_SUITE("web/websocket") {
  TEST_CASE("the accept value is the RFC's own") {
    CHECK(accept_value("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    CHECK(is_websocket_key("dGhlIHNhbXBsZSBub25jZQ=="));
    CHECK_FALSE(is_websocket_key("dGhlIHNhbXBsZSBub25j"));
    CHECK_FALSE(is_websocket_key("not base64 at all!!!!!!="));
  }

  TEST_CASE("the header's examples are read and made as it says") {
    CHECK(parse({std::string(as_text(test::hex("81 85 37 fa 21 3d 7f 9f 4d 51 58")))}) ==
          Lines{"text Hello"});
    CHECK(as_bytes(encode_close(1000, "")).size() == 4);
    CHECK(to_buffer(as_bytes(encode_close(1000, ""))) == test::hex("88 02 03 e8"));
  }

  TEST_CASE(
      "whole and fragmented messages, with control frames between the fragments, in pieces of any "
      "size") {
    const std::vector<std::string> frames = {
        test::text_frame("Hello"),
        encode(ClientFrame{.opcode = 1, .payload = "Hel", .fin = false}),
        encode(ClientFrame{.opcode = 9, .payload = "p"}),
        encode(ClientFrame{.opcode = 0, .payload = "", .fin = false}),
        encode(ClientFrame{.opcode = 0, .payload = "lo"}),
        encode(ClientFrame{.opcode = 1, .payload = "\xC3", .fin = false}),
        encode(ClientFrame{.opcode = 0, .payload = "\xA9"}),
        test::binary_frame(std::string(200, 'b')),
        test::binary_frame(""),
        test::binary_frame(std::string(70'000, 'c')),
        encode(ClientFrame{.opcode = 10, .payload = "q"}),
        test::close_frame(1000, "bye"),
        "anything after a close is ignored",
    };
    const Lines expected = {"text Hello",
                            "ping p",
                            "text Hello",
                            "text é",
                            "binary " + std::string(200, 'b'),
                            "binary ",
                            "binary " + std::string(70'000, 'c'),
                            "pong q",
                            "close 1000"};
    for (const std::size_t piece : {std::size_t{1}, std::size_t{2}, std::size_t{3}, std::size_t{7},
                                    std::size_t{1000}, SIZE_MAX}) {
      CAPTURE(piece);
      CHECK(parse(frames, piece) == expected);
    }
  }

  TEST_CASE("every breach of the protocol is refused with its code, whole or octet by octet") {
    struct Case {
      const char* name;
      Lines expected;
      std::vector<std::string> frames;
    };
    const std::vector<Case> cases = {
        {"bad UTF-8", {"failed 1007"}, {test::text_frame("\xff\xfe")}},
        {"UTF-8 cut off", {"failed 1007"}, {test::text_frame("\xC3")}},
        {"not masked", {"failed 1002"}, {encode(ClientFrame{.payload = "x", .masked = false})}},
        {"reserved opcode 3", {"failed 1002"}, {encode(ClientFrame{.opcode = 3, .payload = "x"})}},
        {"reserved opcode 11",
         {"failed 1002"},
         {encode(ClientFrame{.opcode = 11, .payload = "x"})}},
        {"control too long",
         {"failed 1002"},
         {encode(ClientFrame{.opcode = 9, .payload = std::string(126, 'x')})}},
        {"control fragmented",
         {"failed 1002"},
         {encode(ClientFrame{.opcode = 9, .payload = "x", .fin = false})}},
        {"close fragmented",
         {"failed 1002"},
         {encode(ClientFrame{.opcode = 8, .payload = "", .fin = false})}},
        {"rsv1", {"failed 1002"}, {encode(ClientFrame{.payload = "x", .rsv = 4})}},
        {"rsv3", {"failed 1002"}, {encode(ClientFrame{.payload = "x", .rsv = 1})}},
        {"close with 1000", {"close 1000"}, {test::close_frame(1000)}},
        {"close with 4999", {"close 4999"}, {test::close_frame(4999)}},
        {"close empty", {"close 1005"}, {test::close_frame(0)}},
        {"close with 1005", {"failed 1002"}, {test::close_frame(1005)}},
        {"close with 1006", {"failed 1002"}, {test::close_frame(1006)}},
        {"close with 1015", {"failed 1002"}, {test::close_frame(1015)}},
        {"close with 999", {"failed 1002"}, {test::close_frame(999)}},
        {"close with 5000", {"failed 1002"}, {test::close_frame(5000)}},
        {"close with a bad reason", {"failed 1007"}, {test::close_frame(1000, "\xff")}},
        {"close of one octet", {"failed 1002"}, {encode(ClientFrame{.opcode = 8, .payload = "x"})}},
        {"continuation without a start",
         {"failed 1002"},
         {encode(ClientFrame{.opcode = 0, .payload = "x"})}},
        {"message inside a message",
         {"failed 1002"},
         {encode(ClientFrame{.opcode = 1, .payload = "a", .fin = false}), test::text_frame("b")}},
        {"17 MiB", {"failed 1009"}, {test::binary_frame(std::string(17U << 20U, 'x'))}},
        {"2^62 octets claimed",
         {"failed 1009"},
         {encode(ClientFrame{.payload = "", .length = 1ULL << 62U})}},
        {"2^63 octets claimed",
         {"failed 1002"},
         {encode(ClientFrame{.payload = "", .length = 1ULL << 63U})}},
        {"long form for 5",
         {"failed 1002"},
         {encode(ClientFrame{.payload = "Hello", .length = 5})}},
    };
    for (const Case& c : cases) {
      CAPTURE(c.name);
      CHECK(parse(c.frames) == c.expected);
      if (c.frames[0].size() < 1000) CHECK(parse(c.frames, 1) == c.expected);
    }
  }

  TEST_CASE("an impossible length is refused before its mask or payload come") {
    FrameParser parser(1000);
    std::string header = encode(ClientFrame{.payload = "", .length = 1ULL << 62U});
    header.resize(10);  // Without the masking key.
    CHECK(feed_all(parser, header, 1) == Lines{"failed 1009"});
  }

  TEST_CASE("fragments count together, and at the limit a message still passes") {
    const std::string half(500, 'x');
    const std::string first = encode(ClientFrame{.opcode = 2, .payload = half, .fin = false});
    CHECK(parse({first, encode(ClientFrame{.opcode = 0, .payload = half})}, SIZE_MAX, 1000) ==
          Lines{"binary " + half + half});
    CHECK(parse({first, encode(ClientFrame{.opcode = 0, .payload = half + "y"})}, SIZE_MAX, 1000) ==
          Lines{"failed 1009"});
  }

  TEST_CASE("between messages a parser holds nothing") {
    FrameParser parser(kMax);
    CHECK(parser.at_rest());
    (void)feed_all(parser, encode(ClientFrame{.opcode = 1, .payload = "a", .fin = false}), 1);
    CHECK_FALSE(parser.at_rest());
    (void)feed_all(parser, encode(ClientFrame{.opcode = 0, .payload = "b"}), 1);
    CHECK(parser.at_rest());
  }

  TEST_CASE("a close reason is cut at a character's border") {
    std::string reason(120, 'x');
    reason += "éé";  // 124 octets; 123 fit.
    const std::string frame = encode_close(4400, reason);
    CHECK(frame.size() == 2 + 2 + 122);
    CHECK(frame.substr(4) == std::string(120, 'x') + "é");
    CHECK(encode_close(4400, "\xff") == encode_close(4400, ""));
  }

  TEST_CASE("wslay reads what we write, and we read what wslay writes") {
    struct Peer {
      std::string to_us;
      std::string from_us;
      std::vector<std::string> heard;
      SeededRandom random{11};
    } peer;
    wslay_event_callbacks callbacks{};
    callbacks.recv_callback = [](wslay_event_context_ptr context, std::uint8_t* to,
                                 std::size_t size, int, void* user) -> ssize_t {
      auto& p = *static_cast<Peer*>(user);
      size = std::min(size, p.from_us.size());
      if (size == 0) {
        wslay_event_set_error(context, WSLAY_ERR_WOULDBLOCK);
        return -1;
      }
      std::memcpy(to, p.from_us.data(), size);
      p.from_us.erase(0, size);
      return static_cast<ssize_t>(size);
    };
    callbacks.send_callback = [](wslay_event_context_ptr, const std::uint8_t* from,
                                 std::size_t size, int, void* user) {
      static_cast<Peer*>(user)->to_us.append(reinterpret_cast<const char*>(from), size);
      return static_cast<ssize_t>(size);
    };
    callbacks.genmask_callback = [](wslay_event_context_ptr, std::uint8_t* to, std::size_t size,
                                    void* user) {
      for (std::size_t i = 0; i < size; ++i)
        to[i] = static_cast<std::uint8_t>(static_cast<Peer*>(user)->random.next());
      return 0;
    };
    callbacks.on_msg_recv_callback = [](wslay_event_context_ptr,
                                        const wslay_event_on_msg_recv_arg* arg, void* user) {
      std::string line = std::to_string(arg->opcode) + " ";
      line.append(reinterpret_cast<const char*>(arg->msg), arg->msg_length);
      static_cast<Peer*>(user)->heard.push_back(line);
    };
    wslay_event_context_ptr raw = nullptr;
    REQUIRE(wslay_event_context_client_init(&raw, &callbacks, &peer) == 0);
    const std::unique_ptr<wslay_event_context, void (*)(wslay_event_context_ptr)> context(
        raw, wslay_event_context_free);

    FrameParser parser(kMax);
    SeededRandom random(7);
    for (int round = 0; round < 200; ++round) {
      const std::size_t sizes[] = {0, 1, 125, 126, 127, 4096, 65'535, 65'536, 65'537};
      const std::size_t size = round < 9 ? sizes[round] : random.below(3000);
      const bool text = random.below(2) == 0;
      const std::string payload = random.text(size, "abc \n");
      const wslay_event_msg message{
          static_cast<std::uint8_t>(text ? WSLAY_TEXT_FRAME : WSLAY_BINARY_FRAME),
          reinterpret_cast<const std::uint8_t*>(payload.data()), payload.size()};
      REQUIRE(wslay_event_queue_msg(raw, &message) == 0);
      REQUIRE(wslay_event_send(raw) == 0);
      const auto got = feed_all(parser, peer.to_us, 1 + random.below(5000));
      peer.to_us.clear();
      REQUIRE(got == Lines{(text ? "text " : "binary ") + payload});

      peer.from_us = encode_frame(text ? Opcode::Text : Opcode::Binary, payload);
      peer.heard.clear();
      REQUIRE(wslay_event_recv(raw) == 0);
      REQUIRE(peer.heard == Lines{(text ? "1 " : "2 ") + payload});
    }
  }

  TEST_CASE("random octets never do worse than fail") {
    SeededRandom random(3);
    for (int round = 0; round < 20'000; ++round) {
      FrameParser parser(1000);
      std::string octets;
      const std::size_t size = random.below(40);
      for (std::size_t i = 0; i < size; ++i) octets.push_back(static_cast<char>(random.next()));
      if (size > 1 && random.below(2) == 0) {
        octets[0] =
            static_cast<char>(0x80U | random.below(11));  // A plausible start gets further in.
        octets[1] = static_cast<char>(0x80U | random.below(30));
      }
      const std::string copy = octets;
      FrameParser other(1000);
      REQUIRE(feed_all(parser, octets, SIZE_MAX) == feed_all(other, copy, 1 + random.below(5)));
    }
  }
}
