// One peer as the hub knows it: who it is, how it speaks, what it has open.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>

#include "engine/sync/dialect.h"
#include "engine/sync/hub_types.h"
#include "engine/sync/room.h"

namespace diaryx::sync {

struct Connection {
  ConnectionId id = 0;
  Visitor visitor;
  std::unique_ptr<Dialect> dialect;
  std::unordered_map<std::string, std::unique_ptr<Subscription>> open;  // By wire id.
  std::set<std::string> focus;      // Paths on the client's screen.
  std::int64_t spoken_ms = 0;       // Steady: the last keep-alive.
  std::int64_t known_until_ms = 0;  // Steady: until then it must have said who it is.
  bool closing = false;

  const Principal& principal() const noexcept { return visitor.principal; }
};

}  // namespace diaryx::sync
