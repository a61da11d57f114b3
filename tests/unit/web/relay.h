// What the tests of the transport talk to.
#pragma once

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "engine/base/clock.h"
#include "web/http_router.h"
#include "web/http_status.h"
#include "web/transport.h"

namespace diaryx::test {

using namespace web;  // What it is made of.

// Stands still until the test moves it: how busy the machine is does not matter.
class SteppedClock final : public Clock {
 public:
  std::int64_t wall_ms() const override { return now_ms_; }
  std::int64_t steady_ms() const override { return now_ms_; }
  void advance(std::int64_t ms) { now_ms_ += ms; }

 private:
  std::atomic<std::int64_t> now_ms_{1'000'000};
};

// A server of nothing much: HTTP through the router on one thread per request, WebSockets that send
// every message to all others.
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
      std::this_thread::sleep_for(std::chrono::milliseconds(300));
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

// Waits up to 5 s for it.
template <class Condition>
bool eventually(Condition condition) {
  for (int i = 0; i < 500; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

// The first lines of a request.
inline std::string head(std::uint16_t port, std::string_view line) {
  return std::string(line) + " HTTP/1.1\r\nHost: localhost:" + std::to_string(port) + "\r\n";
}

}  // namespace diaryx::test
