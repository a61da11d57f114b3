// One HTTP request on its way through the handlers' threads, and the pipe in which its response
// comes back.
//
// The handler's thread writes; the net thread takes. At most kWindowBytes wait in between, so that
// a large answer to a slow reader costs a thread, not memory. Neither side holds the other: when
// the connection is gone, write() says so.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "engine/sync/hub.h"
#include "web/http_request.h"

namespace diaryx::web {

struct Peer {
  std::string address;  // "127.0.0.1"
  std::uint16_t port = 0;
};

class Exchange {
 public:
  static constexpr std::size_t kWindowBytes = 1U << 20U;
  static constexpr std::size_t kWakeBytes = 64U << 10U;

  // `wake` tells the net thread that there is something to take; called on the handler's thread,
  // never under the lock.
  Exchange(sync::ConnectionId id, HttpRequest asked, Peer asker, bool owner,
           std::function<void()> wake, std::shared_ptr<BodySink> taken = {})
      : connection(id),
        request(std::move(asked)),
        peer(std::move(asker)),
        is_owner(owner),
        sink(std::move(taken)),
        wake_(std::move(wake)) {}

  const sync::ConnectionId connection;
  HttpRequest request;
  const Peer peer;
  const bool is_owner;                   // By cookie or bearer token.
  const std::shared_ptr<BodySink> sink;  // Has taken the body. Shared with its writer.

  // --- Handler's thread ---
  // Blocks while the window is full. False: nobody will read it, stop.
  bool write(std::string_view octets);
  // Once, last. `keep_alive`: the connection may carry another request.
  void finish(bool keep_alive);

  // --- Net thread ---
  struct Taken {
    std::string octets;
    bool finished = false;
    bool keep_alive = false;
  };
  Taken take();
  // The connection is gone: write() fails from now on.
  void abandon();

 private:
  const std::function<void()> wake_;
  std::mutex mutex_;
  std::condition_variable room_;
  std::string waiting_;
  bool woken_ = false;
  bool finished_ = false;
  bool keep_alive_ = false;
  bool abandoned_ = false;
};

}  // namespace diaryx::web
