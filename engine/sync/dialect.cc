#include "engine/sync/dialect.h"

#include "engine/base/check.h"
#include "engine/sync/dialects/hocuspocus.h"
#include "engine/sync/dialects/sync1.h"
#include "engine/sync/dialects/sync2.h"
#include "engine/sync/dialects/y_websocket.h"

namespace diaryx::sync {

std::unique_ptr<Dialect> Dialect::make(const Endpoint& endpoint) {
  switch (endpoint.dialect) {
    case DialectKind::Sync2:
      return std::make_unique<Sync2>();
    case DialectKind::Sync1:
      return std::make_unique<Sync1>(endpoint);
    case DialectKind::YWebsocket:
      return std::make_unique<YWebsocket>(endpoint.document);
    case DialectKind::Hocuspocus:
      return std::make_unique<Hocuspocus>();
  }
  constexpr bool kEveryDialectIsMade = false;
  DX_CHECK(kEveryDialectIsMade);
}

}  // namespace diaryx::sync
