#include "engine/sync/dialects/y_websocket.h"

#include "engine/sync/hub.h"

namespace diaryx::sync {

const Manners& YWebsocket::manners() const noexcept {
  static constexpr Manners kManners{.framing = protocol::Framing::Bare,
                                    .greets = true,
                                    .ask_back = Manners::AskBack::Never,
                                    .presences = true,
                                    .control_texts = false,
                                    .keep_alive = true};
  return kManners;
}

void YWebsocket::start(Hub& hub, Connection& connection) {
  const auto doc = protocol::parse_doc_id(document_);
  if (!doc) {
    return hub.refuse(connection, {.code = to_string(doc.error().code),
                                   .wire_id = document_,
                                   .message = doc.error().message,
                                   .close = CloseCode::NoSuchWorkspace});
  }
  (void)hub.open(connection, document_, *doc);  // A refusal closes the connection.
}

void YWebsocket::receive(Hub& hub, Connection& connection, Bytes message) {
  // Closed at the start, if it could not be opened.
  if (Subscription* const open = connection.subscription(document_))
    (void)hub.payload(connection, *open, message);  // A refusal has been told.
}

// The one word that y-protocols has for it; the reason of a close says the rest. With one document
// per socket there is nothing to go on with after any other refusal.
void YWebsocket::refuse(Hub& hub, Connection& connection, const Refusal& refusal) {
  if (refusal.repeated) return;
  Buffer denied;
  protocol::write_auth_denied(denied, refusal.message);
  hub.send_payload(connection, document_, denied);
  if (refusal.code != "read_only" && !refusal.close)
    hub.close(connection, CloseCode::NoSuchWorkspace, std::string(refusal.code));
}

}  // namespace diaryx::sync
