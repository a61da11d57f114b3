#include "web/transport.h"

#include <atomic>
#include <chrono>
#include <ctime>
#include <thread>

#include <doctest/doctest.h>

#include "tests/unit/web/client.h"
#include "tests/unit/web/relay.h"

using namespace diaryx;
using namespace diaryx::web;
using namespace std::chrono_literals;
using test::Client;
using test::ClientFrame;
using test::eventually;
using test::head;
using test::Relay;
using test::SteppedClock;

TEST_SUITE("web/transport") {
  TEST_CASE(
      "requests are answered one after the other on one connection, also when they come at once") {
    Relay relay;
    Client client(relay.port());
    const std::string get = head(relay.port(), "GET /ping") + "\r\n";
    REQUIRE(client.send(get + get + head(relay.port(), "POST /echo") +
                        "Content-Length: 5\r\n\r\nhello" + get));
    for (const char* body : {"pong", "pong", "hello", "pong"}) {
      const auto response = client.response();
      REQUIRE(response);
      CHECK(response->status == 200);
      CHECK(response->body == body);
      CHECK(response->field("x-content-type-options") == "nosniff");
    }
    CHECK_FALSE(client.ended(50));
  }

  TEST_CASE("the router says 404, 405 with Allow, 401 and 500, each as JSON that tells no secret") {
    Relay relay;
    const auto missing = test::get(relay.port(), "/nowhere");
    REQUIRE(missing);
    CHECK(missing->status == 404);
    CHECK(missing->field("content-type") == "application/json");
    CHECK(missing->body.find("\"error\":\"not_found\"") != std::string::npos);
    const auto wrong = test::request(relay.port(), "POST", "/ping", "x");
    REQUIRE(wrong);
    CHECK(wrong->status == 405);
    CHECK(wrong->field("allow") == "GET, HEAD");
    const auto nobody = test::get(relay.port(), "/owner");
    REQUIRE(nobody);
    CHECK(nobody->status == 401);
    CHECK(nobody->body.find("secret") == std::string::npos);
    const auto owner = test::get(relay.port(), "/owner", "X-Owner: yes\r\n");
    REQUIRE(owner);
    CHECK(owner->body == "secret");
    const auto boom = test::get(relay.port(), "/boom");
    REQUIRE(boom);
    CHECK(boom->status == 500);
    CHECK((boom->head + boom->body).find("secret detail") == std::string::npos);
    const auto early = test::get(relay.port(), "/forbidden");
    REQUIRE(early);
    CHECK(early->status == 403);
  }

  TEST_CASE(
      "paths are decoded once, HEAD has no body, ranges are served, several at once are not") {
    Relay relay;
    CHECK(test::get(relay.port(), "/thing/a%2520b")->body == "a%20b");
    const auto head_only = test::request(relay.port(), "HEAD", "/ping", {});
    REQUIRE(head_only);
    CHECK(head_only->status == 200);
    CHECK(head_only->field("content-length") == "4");
    const auto part = test::get(relay.port(), "/ping", "Range: bytes=1-2\r\n");
    REQUIRE(part);
    CHECK(part->status == 206);
    CHECK(part->body == "on");
    CHECK(test::get(relay.port(), "/ping", "Range: bytes=0-0,1-1,2-2\r\n")->status == 200);
    CHECK(test::get(relay.port(), "/ping", "Range: bytes=2-\r\n")->body == "ng");
    CHECK(test::get(relay.port(), "/ping", "Range: bytes=-3\r\n")->body == "ong");
    CHECK(test::get(relay.port(), "/ping", "Range: bytes=1-99999999999999999\r\n")
              ->field("content-range") == "bytes 1-3/4");
    CHECK(test::get(relay.port(), "/ping", "Range: bytes=x-1\r\n")->status == 200);
    const auto outside = test::get(relay.port(), "/ping", "Range: bytes=90-99\r\n");
    REQUIRE(outside);
    CHECK(outside->status == 416);
    CHECK(outside->field("content-range") == "bytes */4");
  }

  TEST_CASE(
      "faults of framing are answered and the connection closed, also while the rest is still "
      "being sent") {
    Relay relay;
    struct Case {
      std::string octets;
      int status;
    };
    const std::string post = head(relay.port(), "POST /echo");
    const Case cases[] = {
        {"garbage\r\n\r\n", 400},
        {post + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
        {head(relay.port(), "GET /" + std::string(5000, 'x')) + "\r\n", 414},
        {head(relay.port(), "GET /ping") + "X: " + std::string(64U << 20U, 'y'), 431},
        {post + "Content-Length: 2000000\r\n\r\n" + std::string(2'000'000, 'b'), 413},
        {head(relay.port(), "TRACE /") + "\r\n", 501},
    };
    for (const Case& c : cases) {
      CAPTURE(c.status);
      Client client(relay.port());
      (void)client.send(c.octets);  // May fail: the answer comes before the end.
      const auto response = client.response();
      REQUIRE(response);
      CHECK(response->status == c.status);
      CHECK(response->field("connection") == "close");
      client.end_sending();
      CHECK(client.ended());
    }
    CHECK(test::get(relay.port(), "/ping")->body == "pong");
  }

  TEST_CASE("Expect: 100-continue is answered before the body") {
    Relay relay;
    Client client(relay.port());
    REQUIRE(client.send(head(relay.port(), "POST /echo") +
                        "Content-Length: 2\r\nExpect: 100-continue\r\n\r\n"));
    CHECK(client.response()->status == 100);
    REQUIRE(client.send("ok"));
    CHECK(client.response()->body == "ok");
  }

  TEST_CASE(
      "slow heads and bodies are cut off in time, however they drip, and others do not notice") {
    TransportLimits limits;
    limits.head_ms = 300;
    limits.body_ms = 300;
    limits.idle_ms = 200;
    limits.close_grace_ms = 200;
    Relay relay(limits);
    Client silent(relay.port());
    std::vector<std::unique_ptr<Client>> drips;
    for (int i = 0; i < 16; ++i) drips.push_back(std::make_unique<Client>(relay.port()));
    Client body(relay.port());
    REQUIRE(body.send(head(relay.port(), "POST /echo") + "Content-Length: 100\r\n\r\nx"));
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < 10; ++i) {
      for (auto& drip : drips) (void)drip->send(i == 0 ? "GET /ping HTTP/1.1\r\nX: " : "y");
      (void)body.send("y");
      CHECK(test::get(relay.port(), "/ping")->body == "pong");
      std::this_thread::sleep_for(60ms);
    }
    CHECK(std::chrono::steady_clock::now() - start < 3s);
    for (auto& drip : drips) {
      const auto response = drip->response(1000);
      REQUIRE(response);
      CHECK(response->status == 408);
      CHECK(drip->ended(1000));
    }
    CHECK(body.response(1000)->status == 408);
    CHECK(silent.ended(1000));
    Client idle(relay.port());
    REQUIRE(idle.send(head(relay.port(), "GET /ping") + "\r\n"));
    CHECK(idle.response()->status == 200);
    CHECK(idle.ended(1000));
  }

  TEST_CASE(
      "a large answer to a slow reader arrives whole, and one that nobody reads is given up") {
    TransportLimits limits;
    limits.write_stall_ms = 1'000;
    SteppedClock clock;
    Relay relay(limits, clock);
    const auto sent = [&] { return relay.transport().octets_sent(); };
    {
      Client slow(relay.port(), 4096);
      REQUIRE(slow.send(head(relay.port(), "GET /big") + "Connection: close\r\n\r\n"));
      // It takes something every now and then, and in all for longer than the limit.
      for (int i = 0; i < 3; ++i) {
        const std::uint64_t before = sent();
        while (sent() == before) REQUIRE(slow.receive(20'000));
        clock.advance(400);
      }
      CHECK(slow.unread.size() < (8U << 20U));
      const auto response = slow.response(20'000);
      REQUIRE(response);
      CHECK(response->body == std::string(8U << 20U, 'b'));
    }
    CHECK(eventually([&] { return relay.transport().open_connections() == 0; }));
    Client never(relay.port(), 4096);
    const std::uint64_t before = sent();
    REQUIRE(never.send(head(relay.port(), "GET /big") + "\r\n"));
    CHECK(eventually([&] { return sent() > before; }));
    std::this_thread::sleep_for(600ms);  // No time by its clock, but it has looked twice.
    CHECK(relay.transport().open_connections() == 1);
    // All other limits are longer.
    int steps = 0;
    CHECK(eventually([&] {
      if (++steps <= 20) clock.advance(100);
      return relay.transport().open_connections() == 0;
    }));
  }

  TEST_CASE("a client that stops sending after its request still gets the answer") {
    Relay relay;
    Client client(relay.port());
    REQUIRE(client.send(head(relay.port(), "GET /slow") + "\r\n"));
    client.end_sending();
    const auto response = client.response();
    REQUIRE(response);
    CHECK(response->body == "slow");
    CHECK(client.ended());
  }

  TEST_CASE("connections above the limit are closed") {
    TransportLimits limits;
    limits.connections = 2;
    Relay relay(limits);
    Client a(relay.port());
    Client b(relay.port());
    CHECK(eventually([&] { return relay.transport().open_connections() == 2; }));
    Client c(relay.port());
    CHECK(c.ended());
    CHECK_FALSE(a.ended(20));
  }

  TEST_CASE("a taken port is told from one that may not be used") {
    Relay relay;
    SystemClock clock;
    const auto taken = Transport::listen("127.0.0.1", relay.port(), {}, relay, clock);
    REQUIRE_FALSE(taken);
    CHECK(taken.error().code == ErrorCode::Busy);
    const auto name = Transport::listen("example.org", 0, {}, relay, clock);
    REQUIRE_FALSE(name);
    CHECK(name.error().code == ErrorCode::InvalidArgument);
  }
}
