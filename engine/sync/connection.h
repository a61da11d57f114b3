// One peer as the hub knows it: who it is, how it speaks, what it has open.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>

#include "engine/sync/dialect.h"
#include "engine/sync/hub_types.h"
#include "engine/sync/room.h"

namespace diaryx::sync {

// So that a name that lies in a frame is looked up as it lies there.
struct NameHash {
  using is_transparent = void;
  // Not noexcept: then libstdc++ keeps the hashes instead of counting them anew on every look-up.
  std::size_t operator()(std::string_view name) const {
    return std::hash<std::string_view>{}(name);
  }
};

struct Connection {
  ConnectionId id = 0;
  Visitor visitor;
  std::unique_ptr<Dialect> dialect;
  // By wire id.
  std::unordered_map<std::string, std::unique_ptr<Subscription>, NameHash, std::equal_to<>> open;
  std::set<std::string> focus;      // Paths on the client's screen.
  std::int64_t spoken_ms = 0;       // Steady: the last keep-alive.
  std::int64_t known_until_ms = 0;  // Steady: until then it must have said who it is.
  bool closing = false;

  const Principal& principal() const noexcept { return visitor.principal; }
  // Null if it has no document open by that name.
  Subscription* subscription(std::string_view wire_id) const {
    const auto it = open.find(wire_id);
    return it == open.end() ? nullptr : it->second.get();
  }
};

}  // namespace diaryx::sync
