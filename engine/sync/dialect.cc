#include "engine/sync/dialect.h"

#include "engine/base/check.h"
#include "engine/protocol/control_message.h"
#include "engine/sync/dialects/hocuspocus.h"
#include "engine/sync/dialects/sync1.h"
#include "engine/sync/dialects/sync2.h"
#include "engine/sync/dialects/y_websocket.h"
#include "engine/sync/hub.h"

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

void Dialect::receive_text(Hub& hub, Connection& connection, std::string_view text) {
  if (hub.control_message(connection, text)) return;
  hub.malformed(connection, {}, "a text message: this endpoint takes binary ones");
}

void Dialect::refuse(Hub& hub, Connection& connection, const Refusal& refusal) {
  if (refusal.repeated) return;
  hub.send_text(connection,
                protocol::error_message(refusal.code, refusal.wire_id, refusal.message));
}

void Dialect::rights_changed(Hub& hub, Connection& connection) {
  if (!manners().control_texts) return;
  hub.send_text(connection, protocol::read_only_changed_message(connection.principal().read_only));
}

}  // namespace diaryx::sync
