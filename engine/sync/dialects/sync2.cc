#include "engine/sync/dialects/sync2.h"

#include <algorithm>
#include <variant>
#include <vector>

#include "engine/protocol/control_message.h"
#include "engine/sync/hub.h"

namespace diaryx::sync {
namespace {

// A client that has nothing says so by an empty state vector in its SyncStep1: one octet, 00.
bool has_nothing(const std::vector<protocol::Message>& messages) {
  return std::any_of(messages.begin(), messages.end(), [](const protocol::Message& message) {
    return message.kind == protocol::MessageKind::SyncStep1 && message.body.size() == 1 &&
           message.body[0] == 0;
  });
}

}  // namespace

const Manners& Sync2::manners() const noexcept {
  static constexpr Manners kManners{.framing = protocol::Framing::ShortName,
                                    .greets = true,
                                    .ask_back = Manners::AskBack::Never,
                                    .presences = true,
                                    .control_texts = true,
                                    .keep_alive = false};
  return kManners;
}

void Sync2::receive(Hub& hub, Connection& connection, Bytes message) {
  const auto frame = protocol::decode_frame(message);
  if (!frame) return hub.malformed(connection, {}, frame.error().message);
  if (Subscription* const open = connection.subscription(frame->doc_id)) {
    (void)hub.payload(connection, *open, frame->payload);  // A refusal has been told.
    return;
  }
  const std::string wire_id(frame->doc_id);
  const auto doc = protocol::parse_doc_id(wire_id);
  if (!doc) {
    // Whoever sends rubbish to no document is worse than who asks for one that cannot be.
    if (const auto messages = protocol::decode_messages(frame->payload); !messages)
      return hub.malformed(connection, wire_id, messages.error().message);
    return hub.refuse(
        connection,
        {.code = to_string(doc.error().code), .wire_id = wire_id, .message = doc.error().message});
  }
  if (doc->kind == protocol::DocKind::Workspace && doc->workspace_id == hub.facts().workspace_id) {
    return ask_for_files(hub, connection, wire_id, frame->payload);
  }
  (void)hub.payload(connection, wire_id, *doc, frame->payload);  // A refusal has been told.
}

void Sync2::ask_for_files(Hub& hub, Connection& connection, const std::string& wire_id,
                          Bytes payload) {
  const auto messages = protocol::decode_messages(payload);
  if (!messages) return hub.malformed(connection, wire_id, messages.error().message);
  if (!gate_.closed()) {
    gate_.shut(hub, connection, wire_id);
    tell_guest(hub, connection);
    hub.send_text(connection, protocol::file_manifest_message(
                                  hub.manifest(false), has_nothing(*messages), hub.facts().epoch));
  }
  (void)gate_.keep(hub, connection, payload);  // A refusal has been told.
}

void Sync2::tell_state(Hub& hub, Connection& connection) {
  hub.send_text(connection, protocol::crdt_state_message(
                                hub.workspace_document().doc->encode_state_as_update()));
  hub.send_text(connection, protocol::sync_complete_message(hub.file_count()));
}

void Sync2::files_ready(Hub& hub, Connection& connection) {
  const std::string wire_id = gate_.wire_id();
  const std::vector<Buffer> payloads = gate_.open();
  const protocol::DocId doc{
      .kind = protocol::DocKind::Workspace, .workspace_id = hub.facts().workspace_id, .key = {}};
  tell_state(hub, connection);
  if (hub.open(connection, wire_id, doc) == nullptr) return;
  for (const Buffer& payload : payloads) {
    if (connection.closing) return;
    (void)hub.payload(connection, wire_id, doc, payload);  // A refusal has been told.
  }
}

void Sync2::due(Hub& hub, Connection& connection) {
  // Plain Yjs clients do not know the handshake: after the time-out they are served all the same.
  if (gate_.overdue(hub)) files_ready(hub, connection);
}

void Sync2::receive_text(Hub& hub, Connection& connection, std::string_view text) {
  const auto message = protocol::parse_client_message(text);
  if (!message) {
    if (hub.control_message(connection, text)) return;
    return hub.send_text(connection, protocol::error_message(message.error(), ""));
  }
  if (const auto* leave = std::get_if<protocol::LeaveDoc>(&*message)) {
    if (gate_.closed() && gate_.wire_id() == leave->doc) gate_.forget();
    hub.leave(connection, leave->doc);
  } else if (const auto* save = std::get_if<protocol::SaveDoc>(&*message)) {
    // Everything told is durable already; the log is folded when the document is unloaded.
    const auto it = connection.open.find(save->doc);
    if (it != connection.open.end()) return hub.saved(connection, *it->second);
    hub.refuse(
        connection,
        {.code = "not_found", .wire_id = save->doc, .message = "not open on this connection"});
  } else if (std::holds_alternative<protocol::FilesReady>(*message)) {
    if (gate_.closed()) return files_ready(hub, connection);
    // Asked again: the state once more. From who never asked for the document: nothing is ready.
    if (gate_.passed()) return tell_state(hub, connection);
    hub.send_text(connection, protocol::sync_complete_message(0));
  } else if (const auto* focus = std::get_if<protocol::Focus>(&*message)) {
    hub.change_focus(connection, focus->files, true);
  } else if (const auto* unfocus = std::get_if<protocol::Unfocus>(&*message)) {
    hub.change_focus(connection, unfocus->files, false);
  }
}

void Sync2::synced(Hub& hub, Connection& connection, const Subscription& subscription) {
  if (subscription.document == &hub.workspace_document()) return;
  const std::size_t total = hub.file_count();
  const std::size_t step = std::clamp<std::size_t>(total / 20, 100, 500);
  if (++bodies_synced_ % step != 0) return;
  hub.send_text(connection, protocol::sync_progress_message(bodies_synced_, total));
}

}  // namespace diaryx::sync
