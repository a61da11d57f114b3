#include "engine/sync/dialects/hocuspocus.h"

#include "engine/sync/hub.h"

namespace diaryx::sync {

const Manners& Hocuspocus::manners() const noexcept {
  static constexpr Manners kManners{.framing = protocol::Framing::LongName,
                                    .greets = false,
                                    .ask_back = Manners::AskBack::InItsOwnMessage,
                                    .presences = true,
                                    .control_texts = false,
                                    .keep_alive = true};
  return kManners;
}

void Hocuspocus::receive(Hub& hub, Connection& connection, Bytes octets) {
  using Kind = protocol::HocuspocusKind;
  const auto message = protocol::decode_hocuspocus(octets);
  if (!message) return hub.malformed(connection, {}, message.error().message);
  switch (message->kind) {
    case Kind::Ping:
      return hub.send(connection, std::string(1, static_cast<char>(Kind::Pong)));
    case Kind::Auth:
      return authenticate(hub, connection, std::string(message->name), message->text);
    case Kind::Close:
      return hub.leave(connection, std::string(message->name));
    case Kind::Sync:
    case Kind::SyncReply:
    case Kind::Awareness:
    case Kind::QueryAwareness:
      return sync(hub, connection, *message);
    case Kind::Stateless:
    case Kind::BroadcastStateless:
      break;
    case Kind::SyncStatus:
    case Kind::Pong:
      return;  // Nothing follows from them.
  }
  const Subscription* const open = connection.subscription(message->name);
  if (open == nullptr) return;
  if (message->text.size() > hub.limits().stateless_bytes) {
    return hub.refuse(
        connection, {.code = "limit_exceeded",
                     .wire_id = message->name,
                     .message = "a stateless message of " + std::to_string(message->text.size()) +
                                " octets, at most " + std::to_string(hub.limits().stateless_bytes),
                     .close = CloseCode::TooLarge});
  }
  if (message->kind == Kind::Stateless) return hub.stateless(connection, *open, message->text);
  if (connection.principal().read_only) return;
  Buffer payload;
  protocol::write_stateless(payload, message->text);
  hub.send_to_dialect(*open, payload);
}

void Hocuspocus::authenticate(Hub& hub, Connection& connection, const std::string& name,
                              std::string_view token) {
  const auto doc = protocol::parse_doc_id(protocol::document_of(name));
  const auto who = hub.authenticate(connection, name, token);
  Buffer answer;
  if (!who || !doc) {
    const Error& error = who ? doc.error() : who.error();
    protocol::write_permission_denied(answer, error.message);
    hub.send_payload(connection, name, answer);
    // Whoever guesses gets one attempt a connection.
    if (who) return;
    const bool too_many = who.error().code == ErrorCode::LimitExceeded;
    return hub.close(connection, too_many ? CloseCode::TooMany : CloseCode::NotAuthenticated,
                     too_many ? "too_many" : "not_authenticated");
  }
  if (hub.open(connection, name, *doc) == nullptr) return;
  protocol::write_authenticated(answer, who->read_only);
  hub.send_payload(connection, name, answer);
}

void Hocuspocus::sync(Hub& hub, Connection& connection,
                      const protocol::HocuspocusMessage& message) {
  if (!connection.visitor.is_known) {
    return hub.refuse(connection, {.code = "not_authenticated",
                                   .wire_id = message.name,
                                   .message = "a token must come first",
                                   .close = CloseCode::NotAuthenticated});
  }
  if (Subscription* const open = connection.subscription(message.name)) {
    if (message.kind != protocol::HocuspocusKind::SyncReply) {
      (void)hub.payload(connection, *open, message.payload);  // A refusal has been told.
      return;
    }
    Buffer as_sync = to_buffer(message.payload);
    as_sync[0] = static_cast<std::uint8_t>(protocol::HocuspocusKind::Sync);
    (void)hub.payload(connection, *open, as_sync);  // As above.
    return;
  }
  // Version 2 shows no token if it was given none, and begins with SyncStep1. Anything else for a
  // document that is not open has crossed our refusal, or the client's own Close.
  if (message.kind != protocol::HocuspocusKind::Sync) return;
  const std::string name(message.name);
  const auto doc = protocol::parse_doc_id(protocol::document_of(name));
  if (doc) (void)hub.payload(connection, name, *doc, message.payload);  // As above.
}

void Hocuspocus::refuse(Hub& hub, Connection& connection, const Refusal& refusal) {
  if (refusal.wire_id.empty()) return;  // The close code and its reason say it.
  const std::string name(refusal.wire_id);
  Buffer answer;
  if (refusal.code == "read_only") {
    protocol::write_sync_status(answer, false);
  } else if (connection.open.contains(name)) {
    protocol::write_close(answer, refusal.message);
  } else {
    protocol::write_permission_denied(answer, refusal.message);
  }
  hub.send_payload(connection, name, answer);
}

void Hocuspocus::taken(Hub& hub, Connection& connection, const Subscription& subscription,
                       const Taken& /*taken*/) {
  Buffer saved;
  protocol::write_sync_status(saved, true);
  hub.send_payload(connection, subscription.wire_id, saved);
}

void Hocuspocus::rights_changed(Hub& hub, Connection& connection) {
  Buffer scope;
  protocol::write_authenticated(scope, connection.principal().read_only);
  for (const auto& [name, subscription] : connection.open)
    hub.send_payload(connection, name, scope);
}

}  // namespace diaryx::sync
