// /ws/<document>: one document per socket, y-sync messages without a name, as the npm package
// y-websocket speaks them. One message per WebSocket message in both directions: its provider reads
// no second one.
#pragma once

#include <string>
#include <string_view>

#include "engine/sync/dialect.h"

namespace diaryx::sync {

class YWebsocket final : public Dialect {
 public:
  explicit YWebsocket(std::string document) : document_(std::move(document)) {}

  const Manners& manners() const noexcept override;
  void start(Hub& hub, Connection& connection) override;
  void receive(Hub& hub, Connection& connection, Bytes message) override;
  void refuse(Hub& hub, Connection& connection, const Refusal& refusal) override;

 private:
  std::string document_;  // Its id: the rest of the address's path.
};

}  // namespace diaryx::sync
