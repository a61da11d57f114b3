#include "web/transport.h"

#include <atomic>
#include <chrono>
#include <ctime>
#include <map>
#include <mutex>
#include <thread>

#include <doctest/doctest.h>

#include "tests/unit/web/client.h"
#include "web/http_router.h"
#include "web/http_status.h"

using namespace diaryx;
using namespace diaryx::web;
using namespace std::chrono_literals;
using test::Client;
using test::ClientFrame;

namespace {

// A server of nothing much: HTTP through the router on one thread per request, WebSockets that send
// every message to all others.
// Stands still until the test moves it: how busy the machine is does not matter.
class SteppedClock final : public Clock {
 public:
  std::int64_t wall_ms() const override { return now_ms_; }
  std::int64_t steady_ms() const override { return now_ms_; }
  void advance(std::int64_t ms) { now_ms_ += ms; }

 private:
  std::atomic<std::int64_t> now_ms_{1'000'000};
};

class Relay : public TransportEvents {
 public:
  explicit Relay(const TransportLimits& limits = {}, const Clock& clock = system_clock()) {
    router_.add("GET", "/ping", Door::Open, [](const Call&) { return Reply::text(200, "pong"); });
    router_.add("GET", "/owner", Door::Owner,
                [](const Call&) { return Reply::text(200, "secret"); });
    router_.add("POST", "/echo", Door::Open,
                [](const Call& call) { return Reply::text(200, call.request.body); });
    router_.add("GET", "/thing/([^/]+)", Door::Open,
                [](const Call& call) { return Reply::text(200, call.parts[0]); });
    router_.add("GET", "/boom", Door::Open,
                [](const Call&) -> Reply { throw std::runtime_error("secret detail"); });
    router_.add("GET", "/big", Door::Open,
                [](const Call&) { return Reply::text(200, std::string(8U << 20U, 'b')); });
    router_.add("GET", "/slow", Door::Open, [](const Call&) {
      std::this_thread::sleep_for(300ms);
      return Reply::text(200, "slow");
    });
    auto made = Transport::listen("127.0.0.1", 0, limits, *this, clock);
    REQUIRE(made);
    transport_ = std::move(*made);
    net_ = std::thread([this] { transport_->run(); });
  }
  ~Relay() override {
    transport_->stop();
    net_.join();
    {
      const std::lock_guard lock(mutex_);
      for (const auto& exchange : exchanges_) exchange->abandon();
    }
    for (std::thread& worker : workers_) worker.join();
  }
  std::uint16_t port() const { return transport_->port(); }
  Transport& transport() { return *transport_; }

  HeadVerdict on_head(const HttpRequest& request, const Peer&) override {
    HeadVerdict verdict;
    verdict.max_body_bytes = 1U << 20U;
    verdict.is_owner = request.field("x-owner").has_value();
    if (request.path() == "/forbidden") verdict.refusal = simple_response(403, "text/plain", "no");
    return verdict;
  }
  void on_request(std::shared_ptr<Exchange> exchange) override {
    const std::lock_guard lock(mutex_);
    exchanges_.push_back(exchange);
    workers_.emplace_back([this, exchange] { router_.handle(*exchange); });
  }
  void on_open(sync::ConnectionId id, const HttpRequest& handshake, const Peer&, bool) override {
    if (handshake.query("refuse")) {
      transport_->send_text(id, "{\"type\":\"error\"}");
      transport_->close(id, 4401, "not you");
      return;
    }
    members_[id] = true;
  }
  void on_message(sync::ConnectionId id, bool text, Bytes bytes) override {
    ++messages;
    sync::Outgoing out;
    for (const auto& [member, here] : members_) {
      if (member != id) out.targets.push_back(member);
    }
    out.text = text;
    out.payload = std::make_shared<const std::string>(as_text(bytes));
    sync::Turn turn;
    if (!out.targets.empty()) turn.sends.push_back(std::move(out));
    if (as_text(bytes) == "echo me")
      turn.sends.push_back({{id}, text, std::make_shared<const std::string>("echo")});
    if (as_text(bytes) == "much")
      turn.sends.push_back({{id}, text, std::make_shared<const std::string>(2U << 20U, 'm')});
    if (handle_messages) {
      transport_->deliver(std::move(turn), {{id, 1, bytes.size()}});
    } else {
      transport_->deliver(std::move(turn), {});
    }
  }
  void on_close(sync::ConnectionId id) override {
    members_.erase(id);
    ++closed;
  }

  std::atomic<int> messages{0};
  std::atomic<int> closed{0};
  std::atomic<bool> handle_messages{true};

 private:
  static const Clock& system_clock() {
    static const SystemClock clock;
    return clock;
  }
  HttpRouter router_;
  std::unique_ptr<Transport> transport_;
  std::map<sync::ConnectionId, bool> members_;  // Net thread only.
  std::mutex mutex_;
  std::vector<std::shared_ptr<Exchange>> exchanges_;
  std::vector<std::thread> workers_;
  std::thread net_;
};

template <class Condition>
bool eventually(Condition condition) {
  for (int i = 0; i < 500; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(10ms);
  }
  return false;
}

std::string head(std::uint16_t port, std::string_view line) {
  return std::string(line) + " HTTP/1.1\r\nHost: localhost:" + std::to_string(port) + "\r\n";
}

}  // namespace

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
