// WebSockets over the transport.
#include <atomic>
#include <chrono>
#include <ctime>
#include <thread>

#include <doctest/doctest.h>

#include "tests/unit/web/client.h"
#include "tests/unit/web/relay.h"
#include "web/transport.h"

using namespace diaryx;
using namespace diaryx::web;
using namespace std::chrono_literals;
using test::Client;
using test::ClientFrame;
using test::eventually;
using test::head;
using test::Relay;
using test::SteppedClock;

TEST_SUITE("web/transport/websocket") {
  TEST_CASE("messages reach the others, in order, and nobody else") {
    Relay relay;
    Client a(relay.port());
    Client b(relay.port());
    REQUIRE(a.upgrade("/sync2")->status == 101);
    REQUIRE(b.upgrade("/sync2")->status == 101);
    std::string burst;
    for (int i = 0; i < 100; ++i) burst += test::binary_frame("message " + std::to_string(i));
    burst += test::text_frame("é") + test::binary_frame(std::string(100'000, 'x'));
    REQUIRE(a.send(burst));
    for (int i = 0; i < 100; ++i) {
      const auto frame = b.frame();
      REQUIRE(frame);
      CHECK(frame->opcode == 2);
      CHECK(frame->payload == "message " + std::to_string(i));
    }
    CHECK(b.frame()->opcode == 1);
    CHECK(b.frame()->payload == std::string(100'000, 'x'));
    CHECK_FALSE(a.frame(50));
  }

  TEST_CASE("handshakes that are none are refused") {
    Relay relay;
    const std::string start =
        head(relay.port(), "GET /sync2") + "Upgrade: websocket\r\nConnection: Upgrade\r\n";
    const auto answer = [&](const std::string& octets) {
      Client client(relay.port());
      REQUIRE(client.send(octets));
      return *client.response();
    };
    const std::string key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    const test::Response old = answer(start + key + "Sec-WebSocket-Version: 8\r\n\r\n");
    CHECK(old.status == 426);
    CHECK(old.field("sec-websocket-version") == "13");
    CHECK(answer(start + "Sec-WebSocket-Version: 13\r\n\r\n").status == 400);
    CHECK(answer(start + "Sec-WebSocket-Key: short\r\nSec-WebSocket-Version: 13\r\n\r\n").status ==
          400);
    CHECK(answer(start + key + key + "Sec-WebSocket-Version: 13\r\n\r\n").status == 400);
    CHECK(relay.transport().open_websockets() == 0);
  }

  TEST_CASE(
      "pings are answered, closes are echoed, breaches are closed with their code and reason") {
    Relay relay;
    struct Case {
      std::string octets;
      unsigned opcode;
      std::uint16_t code;
    };
    const Case cases[] = {
        {test::close_frame(1000), 8, 1000},
        {test::close_frame(0), 8, 1005},
        {test::close_frame(1005), 8, 1002},
        {encode(ClientFrame{.opcode = 8, .payload = "x"}), 8, 1002},
        {test::text_frame("\xff"), 8, 1007},
        {test::binary_frame(std::string(17U << 20U, 'x')), 8, 1009},
        {encode(ClientFrame{.payload = "", .length = 1ULL << 62U}), 8, 1009},
        {encode(ClientFrame{.payload = "x", .masked = false}), 8, 1002},
    };
    for (const Case& c : cases) {
      CAPTURE(c.code);
      Client client(relay.port());
      REQUIRE(client.upgrade("/sync2")->status == 101);
      REQUIRE(client.send(encode(ClientFrame{.opcode = 9, .payload = "hey"})));
      const auto pong = client.frame();
      REQUIRE(pong);
      CHECK(pong->opcode == 10);
      CHECK(pong->payload == "hey");
      (void)client.send(c.octets);
      const auto close = client.frame();
      REQUIRE(close);
      CHECK(close->opcode == c.opcode);
      CHECK(close->close_code() == c.code);
      client.end_sending();
      CHECK(client.ended());
    }
    CHECK(eventually([&] { return relay.closed == static_cast<int>(std::size(cases)); }));
    CHECK(relay.transport().open_websockets() == 0);
  }

  TEST_CASE(
      "one who may not come in is told why and closed, after the upgrade so that a browser can see "
      "it") {
    Relay relay;
    Client client(relay.port());
    REQUIRE(client.upgrade("/sync2?refuse=1")->status == 101);
    CHECK(client.frame()->payload == "{\"type\":\"error\"}");
    const auto close = client.frame();
    REQUIRE(close);
    CHECK(close->close_code() == 4401);
    CHECK(close->payload.substr(2) == "not you");
    CHECK(client.ended());
  }

  TEST_CASE("frames sent together with the handshake are not lost") {
    Relay relay;
    Client other(relay.port());
    REQUIRE(other.upgrade("/sync2")->status == 101);
    Client client(relay.port());
    REQUIRE(client.send(head(relay.port(), "GET /sync2") +
                        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: "
                        "dGhlIHNhbXBsZSBub25jZQ==\r\n"
                        "Sec-WebSocket-Version: 13\r\n\r\n" +
                        test::binary_frame("early")));
    CHECK(client.response()->status == 101);
    CHECK(other.frame()->payload == "early");
  }

  TEST_CASE("a silent peer is asked, and dropped when it does not answer; one that answers stays") {
    TransportLimits limits;
    limits.ping_ms = 100;
    limits.dead_ms = 400;
    Relay relay(limits);
    Client dead(relay.port());
    Client alive(relay.port());
    alive.answers_pings = false;  // Not by itself.
    REQUIRE(dead.upgrade("/sync2")->status == 101);
    REQUIRE(alive.upgrade("/sync2")->status == 101);
    for (int i = 0; i < 6; ++i) {
      const auto ping = alive.frame(1000);
      REQUIRE(ping);
      CHECK(ping->opcode == 9);
      REQUIRE(alive.send(encode(ClientFrame{.opcode = 10, .payload = ping->payload})));
    }
    dead.drain(1000);
    CHECK(dead.ended(0));
    CHECK_FALSE(alive.ended(0));
    CHECK(relay.closed == 1);
  }

  TEST_CASE("a reader that takes nothing is dropped at its budget, the others get everything") {
    TransportLimits limits;
    limits.broadcast_queue_bytes = 1U << 20U;
    limits.close_grace_ms = 300;
    Relay relay(limits);
    Client writer(relay.port());
    Client reader(relay.port());
    Client stuck(relay.port(), 4096);
    REQUIRE(writer.upgrade("/sync2")->status == 101);
    REQUIRE(reader.upgrade("/sync2")->status == 101);
    REQUIRE(stuck.upgrade("/sync2")->status == 101);
    const std::string payload(100'000, 'p');
    for (int i = 0; i < 200; ++i) {
      REQUIRE(writer.send(test::binary_frame(payload)));
      const auto frame = reader.frame();
      REQUIRE(frame);
      REQUIRE((frame->payload == payload));
    }
    CHECK(eventually([&] { return relay.transport().dropped_slow() == 1; }));
    CHECK(eventually([&] { return relay.transport().open_connections() == 2; }));
    // What it had been sent before it was dropped is whole frames, as far as it goes.
    std::uint16_t code = 0;
    while (const auto frame = stuck.frame(500)) {
      if (frame->opcode == 8)
        code = frame->close_code();
      else
        CHECK((frame->payload == payload));
    }
    CHECK((code == 0 || code == 4408));
  }

  TEST_CASE("a reader that comes back within the grace is told 4408") {
    TransportLimits limits;
    limits.broadcast_queue_bytes = 1U << 20U;
    limits.close_grace_ms = 10'000;
    Relay relay(limits);
    Client writer(relay.port());
    Client stuck(relay.port(), 4096);
    Client third(relay.port());
    REQUIRE(writer.upgrade("/sync2")->status == 101);
    REQUIRE(stuck.upgrade("/sync2")->status == 101);
    REQUIRE(third.upgrade("/sync2")->status == 101);
    const std::string payload(30'000, 'p');
    for (int i = 0; i < 1000 && relay.transport().dropped_slow() == 0; ++i) {
      REQUIRE(writer.send(test::binary_frame(payload)));
      REQUIRE(third.frame());
    }
    REQUIRE(relay.transport().dropped_slow() == 1);
    std::optional<test::ServerFrame> last;
    while (auto frame = stuck.frame(2000)) {
      if (frame->opcode == 2) REQUIRE((frame->payload == payload));
      last = std::move(frame);
      if (last->opcode == 8) break;
    }
    REQUIRE(last);
    CHECK(last->opcode == 8);
    CHECK(last->close_code() == 4408);
  }

  TEST_CASE("nothing more is read from a connection while its messages wait to be handled") {
    TransportLimits limits;
    limits.unhandled_messages = 4;
    Relay relay(limits);
    relay.handle_messages = false;
    Client client(relay.port());
    REQUIRE(client.upgrade("/sync2")->status == 101);
    std::string burst;
    for (int i = 0; i < 100; ++i) burst += test::binary_frame("x");
    REQUIRE(client.send(burst));
    CHECK(eventually([&] { return relay.messages == 4; }));
    std::this_thread::sleep_for(50ms);
    CHECK(relay.messages == 4);
    relay.handle_messages = true;
    relay.transport().deliver({}, {{(1ULL << 20U), 4, 4}});
    CHECK(eventually([&] { return relay.messages == 100; }));
  }

  TEST_CASE("a peer that is gone while it is held back costs no processor time") {
    Relay relay;
    relay.handle_messages = false;
    Client client(relay.port());
    REQUIRE(client.upgrade("/sync2")->status == 101);
    std::string burst;
    for (int i = 0; i < 1'000; ++i) burst += test::binary_frame("x");
    REQUIRE(client.send(burst));
    REQUIRE(eventually([&] { return relay.messages >= 16; }));
    client.reset();
    std::this_thread::sleep_for(50ms);
    const std::clock_t before = std::clock();
    std::this_thread::sleep_for(500ms);
    CHECK(std::clock() - before < CLOCKS_PER_SEC / 20);
  }

  TEST_CASE("one who asks for much and reads it slowly is held back, not dropped") {
    TransportLimits limits;
    limits.reply_queue_bytes = 40U << 20U;
    Relay relay(limits);
    Client client(relay.port(), 65'536);
    REQUIRE(client.upgrade("/sync2")->status == 101);
    std::string burst;
    for (int i = 0; i < 50; ++i) burst += test::binary_frame("much");
    REQUIRE(client.send(burst));
    for (int i = 0; i < 50; ++i) {
      const auto frame = client.frame(10'000);
      REQUIRE(frame);
      REQUIRE(frame->payload.size() == 2U << 20U);
    }
    CHECK(relay.transport().dropped_slow() == 0);
  }

  TEST_CASE("on stopping, WebSockets are closed with 1001 and idle connections end") {
    Relay relay;
    Client socket(relay.port());
    REQUIRE(socket.upgrade("/sync2")->status == 101);
    Client idle(relay.port());
    Client busy(relay.port());
    REQUIRE(busy.send(head(relay.port(), "GET /slow") + "\r\n"));
    std::this_thread::sleep_for(50ms);
    relay.transport().stop_accepting();
    relay.transport().close_all(1001, "the server is stopping");
    const auto close = socket.frame();
    REQUIRE(close);
    CHECK(close->close_code() == 1001);
    CHECK(idle.ended());
    CHECK(busy.response()->body == "slow");
    CHECK(busy.ended());
  }
}
