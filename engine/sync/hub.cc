#include "engine/sync/hub.h"

#include <algorithm>
#include <utility>

#include "engine/base/log.h"
#include "engine/base/path.h"
#include "engine/protocol/frame.h"
#include "engine/workspace/file_record.h"

namespace diaryx::sync {
namespace {

// How often presences and idle documents are looked at.
constexpr std::int64_t kSweepMs = 1'000;
constexpr std::size_t kMaxReasonBytes = 123;

bool is_file_id(std::string_view key) {
  return !key.empty() && key.size() <= 64 &&
         std::all_of(key.begin(), key.end(),
                     [](unsigned char c) { return std::isalnum(c) != 0 || c == '-' || c == '_'; });
}

std::string_view code_name(ErrorCode code) {
  return to_string(code);
}

}  // namespace

Hub::Hub(Documents& documents, std::string workspace_id, std::string epoch, const Clock& clock,
         const Limits& limits)
    : documents_(documents),
      workspace_id_(std::move(workspace_id)),
      epoch_(std::move(epoch)),
      clock_(clock),
      limits_(limits),
      next_sweep_ms_(clock.steady_ms() + kSweepMs) {}
Hub::~Hub() = default;

// --- connections ---

void Hub::connect(ConnectionId connection, Principal principal) {
  connections_[connection].principal = std::move(principal);
}

void Hub::disconnect(ConnectionId id) {
  const auto it = connections_.find(id);
  if (it == connections_.end()) return;
  std::vector<std::string> open;
  for (const auto& [wire_id, subscription] : it->second.open) open.push_back(wire_id);
  for (const std::string& wire_id : open) unsubscribe(it->second, wire_id);
  const bool had_focus = !it->second.focus.empty();
  connections_.erase(it);
  if (had_focus) focus_changed();
}

void Hub::close(ConnectionId id, CloseCode code, std::string reason) {
  const auto it = connections_.find(id);
  if (it == connections_.end() || it->second.closing) return;
  it->second.closing = true;
  if (reason.size() > kMaxReasonBytes) reason.resize(kMaxReasonBytes);
  staged_.closes.push_back({id, code, std::move(reason)});
}

void Hub::refuse(ConnectionId id, std::string_view code, std::string_view wire_id,
                 const std::string& message) {
  text_to(id, protocol::error_message(code, wire_id, message));
}

void Hub::refuse_and_close(ConnectionId id, CloseCode code, std::string_view name,
                           std::string_view wire_id, const std::string& message) {
  refuse(id, name, wire_id, message);
  close(id, code, std::string(name));
}

void Hub::text_to(ConnectionId id, std::string text) {
  staged_.sends.push_back({.targets = {id},
                           .text = true,
                           .payload = std::make_shared<const std::string>(std::move(text))});
}

void Hub::text_to_workspace(std::string text, ConnectionId except) {
  const auto it = rooms_.find(&documents_.workspace());
  if (it == rooms_.end()) return;
  Outgoing outgoing{
      .targets = {}, .text = true, .payload = std::make_shared<const std::string>(std::move(text))};
  for (const Subscription* subscription : it->second->subscriptions()) {
    if (subscription->connection != except) outgoing.targets.push_back(subscription->connection);
  }
  if (!outgoing.targets.empty()) staged_.sends.push_back(std::move(outgoing));
}

std::size_t Hub::peers() const {
  const auto it = rooms_.find(&documents_.workspace());
  return it == rooms_.end() ? 0 : it->second->connections();
}

// --- opening documents ---

Room& Hub::room_of(LiveDocument& document) {
  std::unique_ptr<Room>& room = rooms_[&document];
  if (!room) room = std::make_unique<Room>(document);
  return *room;
}

Result<std::string> Hub::resolve(const protocol::DocId& doc) const {
  if (doc.workspace_id != workspace_id_) {
    return Error{ErrorCode::NotFound, "no workspace \"" + doc.workspace_id + "\" is served here"};
  }
  if (doc.kind == protocol::DocKind::Workspace) return std::string(kWorkspaceDocName);
  const workspace::MetadataDoc& metadata = documents_.metadata();
  if (metadata.find(doc.key) != nullptr) return body_doc_name(doc.key);
  if (is_file_id(doc.key)) return body_doc_name(doc.key);  // Its record is on its way.
  DX_TRY(const WorkspacePath path, WorkspacePath::parse(doc.key));
  if (const auto id = metadata.id_at(path.str())) return body_doc_name(*id);
  if (const auto id = metadata.tombstone_at(path.str())) return body_doc_name(*id);
  return path_doc_name(path.str());
}

Status Hub::check_waiting_limit(const std::string& name) const {
  const bool has_record =
      name.starts_with("body/") && documents_.metadata().find(name.substr(5)) != nullptr;
  const std::set<std::string>& waiting = documents_.waiting();
  if (has_record || waiting.contains(name) || waiting.size() < limits_.orphan_documents) return {};
  return Error{ErrorCode::LimitExceeded,
               std::to_string(waiting.size()) + " documents wait for their files already"};
}

Result<Subscription*> Hub::subscribe(ConnectionId id, Connection& connection,
                                     const std::string& wire_id) {
  if (connection.open.size() >= limits_.documents_per_connection) {
    return Error{ErrorCode::LimitExceeded, "more than " +
                                               std::to_string(limits_.documents_per_connection) +
                                               " documents on one connection"};
  }
  DX_TRY(const protocol::DocId doc, protocol::parse_doc_id(wire_id));
  DX_TRY(const std::string name, resolve(doc));
  LiveDocument* document = nullptr;
  if (doc.kind == protocol::DocKind::Workspace) {
    document = &documents_.workspace();
  } else {
    DX_TRY_OK(check_waiting_limit(name));
    DX_TRY(document, documents_.open_document(name));
  }
  auto subscription = std::make_unique<Subscription>(Subscription{.number = next_subscription_++,
                                                                  .connection = id,
                                                                  .wire_id = wire_id,
                                                                  .document = document,
                                                                  .presences = {}});
  Subscription* result = subscription.get();
  connection.open.emplace(wire_id, std::move(subscription));
  Room& room = room_of(*document);
  room.add(*result);

  Buffer step1;
  protocol::write_sync_step1(step1, document->doc->encode_state_vector());
  staged_.sends.push_back(Room::to_one(*result, step1));
  if (const Buffer presences = room.presences(); !presences.empty()) {
    staged_.sends.push_back(Room::to_one(*result, presences));
  }
  if (document == &documents_.workspace()) {
    text_to_workspace(
        protocol::peer_joined_message(connection.principal.user_id, room.connections()), id);
  }
  return result;
}

void Hub::unsubscribe(Connection& connection, const std::string& wire_id) {
  const auto it = connection.open.find(wire_id);
  if (it == connection.open.end()) return;
  Subscription& subscription = *it->second;
  LiveDocument& document = *subscription.document;
  const ConnectionId id = subscription.connection;
  Room& room = room_of(document);
  room.forget_presences(subscription, clock_.steady_ms(), staged_.sends);
  room.remove(subscription);
  document.used_ms = clock_.steady_ms();
  const std::size_t left = room.connections();
  const bool was_workspace = &document == &documents_.workspace();
  if (room.subscriptions().empty()) rooms_.erase(&document);
  connection.open.erase(it);
  if (was_workspace) {
    text_to_workspace(protocol::peer_left_message(connection.principal.user_id, left), id);
  }
}

void Hub::move_subscribers(LiveDocument& from, LiveDocument& to) {
  const auto it = rooms_.find(&from);
  if (it == rooms_.end()) return;
  Buffer payload;
  protocol::write_update(payload, to.doc->encode_state_as_update());
  const std::vector<Subscription*> movers = it->second->subscriptions();
  Room& target = room_of(to);
  for (Subscription* subscription : movers) {
    it->second->forget_presences(*subscription, clock_.steady_ms(), staged_.sends);
    it->second->remove(*subscription);
    subscription->document = &to;
    target.add(*subscription);
    staged_.sends.push_back(Room::to_one(*subscription, payload));
  }
  rooms_.erase(it);
}

// --- binary messages ---

void Hub::receive(ConnectionId id, Bytes bytes) {
  const auto it = connections_.find(id);
  if (it == connections_.end() || it->second.closing) return;
  if (bytes.size() > limits_.frame_bytes) {
    return refuse_and_close(id, CloseCode::TooLarge, "frame_too_large", "",
                            "a frame of " + std::to_string(bytes.size()) + " octets, at most " +
                                std::to_string(limits_.frame_bytes));
  }
  const auto frame = protocol::decode_frame(bytes);
  if (!frame)
    return refuse_and_close(id, CloseCode::Malformed, "malformed", "", frame.error().message);
  receive_payload(id, it->second, frame->doc_id, frame->payload);
}

void Hub::receive_payload(ConnectionId id, Connection& connection, std::string_view wire_id,
                          Bytes payload) {
  const auto messages = protocol::decode_messages(payload);
  if (!messages)
    return refuse_and_close(id, CloseCode::Malformed, "malformed", wire_id,
                            messages.error().message);
  const std::string name(wire_id);
  auto it = connection.open.find(name);
  if (it == connection.open.end()) {
    const auto doc = protocol::parse_doc_id(wire_id);
    if (doc && doc->kind == protocol::DocKind::Workspace && doc->workspace_id == workspace_id_) {
      return begin_handshake(id, connection, name, payload);
    }
    const auto opened = subscribe(id, connection, name);
    if (!opened) {
      const Error& error = opened.error();
      refuse(
          id,
          doc && doc->workspace_id != workspace_id_ ? "no_such_workspace" : code_name(error.code),
          wire_id, error.message);
      // Who has nothing else open waits for an answer that cannot come.
      if (doc && doc->workspace_id != workspace_id_ && connection.open.empty() &&
          !connection.handshake) {
        close(id, CloseCode::NoSuchWorkspace, "no_such_workspace");
      } else if (error.code == ErrorCode::LimitExceeded && doc) {
        close(id, CloseCode::TooMany, "too_many_documents");
      }
      return;
    }
    it = connection.open.find(name);
  }
  for (const protocol::Message& message : *messages) {
    if (connection.closing) return;
    handle(connection, *it->second, message);
  }
}

void Hub::handle(Connection& connection, Subscription& subscription,
                 const protocol::Message& message) {
  LiveDocument& document = *subscription.document;
  const ConnectionId id = subscription.connection;
  switch (message.kind) {
    case protocol::MessageKind::SyncStep1: {
      const auto update = document.doc->encode_state_as_update(message.body);
      if (!update) {
        return refuse_and_close(id, CloseCode::Malformed, "malformed", subscription.wire_id,
                                update.error().message);
      }
      Buffer payload;
      protocol::write_sync_step2(payload, *update);
      staged_.sends.push_back(Room::to_one(subscription, payload));
      return progress(connection, subscription);
    }
    case protocol::MessageKind::SyncStep2:
    case protocol::MessageKind::Update:
      return handle_update(connection, subscription, message);
    case protocol::MessageKind::Awareness: {
      const Status status =
          room_of(document).presence(subscription, message.body, clock_.steady_ms(), staged_.sends);
      if (!status) {
        refuse_and_close(id, CloseCode::Malformed, "malformed", subscription.wire_id,
                         status.error().message);
      }
      return;
    }
    case protocol::MessageKind::QueryAwareness: {
      if (const Buffer payload = room_of(document).presences(); !payload.empty()) {
        staged_.sends.push_back(Room::to_one(subscription, payload));
      }
      return;
    }
    case protocol::MessageKind::AuthDenied:
    case protocol::MessageKind::AuthGranted:
      return;  // Ours to say; from a client they mean nothing.
  }
}

void Hub::handle_update(Connection& connection, Subscription& subscription,
                        const protocol::Message& message) {
  const ConnectionId id = subscription.connection;
  if (connection.principal.read_only) {
    // An empty SyncStep2 is how a reader answers our SyncStep1: no reason to complain.
    const bool says_nothing = message.body.size() <= 2;
    if (!says_nothing && !std::exchange(subscription.told_read_only, true)) {
      refuse(id, "read_only", subscription.wire_id,
             "this session may read but not write; the edit was not taken");
    }
    return;
  }
  LiveDocument& document = *subscription.document;
  if (document.stored_bytes + message.body.size() > limits_.document_bytes) {
    return refuse_and_close(
        id, CloseCode::TooLarge, "document_too_large", subscription.wire_id,
        "the document would grow beyond " + std::to_string(limits_.document_bytes) + " octets");
  }
  if (const Status status = documents_.apply(document, message.body, subscription.number);
      !status) {
    refuse_and_close(id, CloseCode::Malformed, "malformed", subscription.wire_id,
                     status.error().message);
  }
}

// --- the Files-Ready handshake ---

std::vector<protocol::ManifestFile> Hub::manifest() const {
  const workspace::MetadataDoc& metadata = documents_.metadata();
  std::vector<protocol::ManifestFile> entries;
  for (const auto& [id, record] : metadata.records()) {
    const auto path = metadata.path_of(id);
    if (!path) continue;
    std::optional<std::string> parent = record.part_of;
    if (parent) {
      if (auto parent_path = metadata.path_of(*parent)) parent = std::move(parent_path);
    }
    entries.push_back({.doc_id = "body:" + workspace_id_ + "/" + id,
                       .filename = *path,
                       .title = record.title,
                       .part_of = std::move(parent),
                       .deleted = false});
  }
  std::sort(entries.begin(), entries.end(),
            [](const auto& a, const auto& b) { return a.filename < b.filename; });
  return entries;
}

void Hub::begin_handshake(ConnectionId id, Connection& connection, const std::string& wire_id,
                          Bytes payload) {
  if (!connection.handshake) {
    connection.handshake.emplace(Handshake{.wire_id = wire_id,
                                           .deadline_ms = clock_.steady_ms() + limits_.handshake_ms,
                                           .waiting = {}});
    if (connection.principal.is_guest) {
      text_to(id, protocol::session_joined_message(connection.principal.join_code, workspace_id_,
                                                   connection.principal.read_only));
    }
    // A client that has nothing says so by an empty state vector in its SyncStep1: one octet, 00.
    bool is_new = false;
    if (const auto messages = protocol::decode_messages(payload)) {
      for (const protocol::Message& message : *messages) {
        is_new |= message.kind == protocol::MessageKind::SyncStep1 && message.body.size() == 1 &&
                  message.body[0] == 0;
      }
    }
    text_to(id, protocol::file_manifest_message(manifest(), is_new, epoch_));
  }
  if (connection.handshake->waiting.size() >= limits_.pending_frames_per_document) {
    return refuse_and_close(id, CloseCode::TooMany, "too_many_frames", wire_id,
                            "frames for the workspace document before \"FilesReady\"");
  }
  connection.handshake->waiting.push_back(to_buffer(payload));
}

void Hub::finish_handshake(ConnectionId id, Connection& connection) {
  const Handshake handshake = std::move(*connection.handshake);
  connection.handshake.reset();
  const crdt::Doc& doc = *documents_.workspace().doc;
  std::size_t live = 0;
  for (const auto& [file_id, record] : documents_.metadata().records())
    live += record.deleted ? 0U : 1U;
  text_to(id, protocol::crdt_state_message(doc.encode_state_as_update()));
  text_to(id, protocol::sync_complete_message(live));
  const auto opened = subscribe(id, connection, handshake.wire_id);
  if (!opened)
    return refuse(id, code_name(opened.error().code), handshake.wire_id, opened.error().message);
  for (const Buffer& payload : handshake.waiting) {
    if (connection.closing) return;
    receive_payload(id, connection, handshake.wire_id, payload);
  }
}

void Hub::progress(Connection& connection, const Subscription& subscription) {
  if (subscription.document == &documents_.workspace()) return;
  const std::size_t total = documents_.metadata().records().size();
  const std::size_t step = std::clamp<std::size_t>(total / 20, 100, 500);
  if (++connection.bodies_synced % step != 0) return;
  text_to(subscription.connection,
          protocol::sync_progress_message(connection.bodies_synced, total));
}

// --- text messages ---

void Hub::receive_text(ConnectionId id, std::string_view text) {
  const auto it = connections_.find(id);
  if (it == connections_.end() || it->second.closing) return;
  Connection& connection = it->second;
  const auto message = protocol::parse_client_message(text);
  if (!message) return text_to(id, protocol::error_message(message.error(), ""));
  if (const auto* leave = std::get_if<protocol::LeaveDoc>(&*message)) {
    if (connection.handshake && connection.handshake->wire_id == leave->doc)
      connection.handshake.reset();
    unsubscribe(connection, leave->doc);
  } else if (const auto* save = std::get_if<protocol::SaveDoc>(&*message)) {
    // Everything told is durable already; the log is folded when the document is unloaded.
    if (!connection.open.contains(save->doc))
      refuse(id, "not_found", save->doc, "not open on this connection");
  } else if (std::holds_alternative<protocol::FilesReady>(*message)) {
    if (connection.handshake) finish_handshake(id, connection);
  } else if (const auto* focus = std::get_if<protocol::Focus>(&*message)) {
    change_focus(connection, focus->files, true);
  } else if (const auto* unfocus = std::get_if<protocol::Unfocus>(&*message)) {
    change_focus(connection, unfocus->files, false);
  }
}

void Hub::change_focus(Connection& connection, const std::vector<std::string>& files,
                       bool focused) {
  const std::set<std::string> before = connection.focus;
  for (const std::string& file : files) {
    if (!focused) {
      connection.focus.erase(file);
    } else if (connection.focus.size() < protocol::kMaxFocusFiles) {
      connection.focus.insert(file);
    }
  }
  if (connection.focus != before) focus_changed();
}

void Hub::focus_changed() {
  std::set<std::string> all;
  for (const auto& [id, connection] : connections_)
    all.insert(connection.focus.begin(), connection.focus.end());
  const std::vector<std::string> files(all.begin(), all.end());
  text_to_workspace(protocol::focus_list_changed_message(files), 0);
}

// --- time, and the end of a turn ---

void Hub::tick() {
  const std::int64_t now = clock_.steady_ms();
  std::vector<ConnectionId> late;
  for (auto& [id, connection] : connections_) {
    // Plain Yjs clients do not know the handshake: after the time-out they are served all the same.
    if (connection.handshake && connection.handshake->deadline_ms <= now) late.push_back(id);
  }
  for (const ConnectionId id : late) finish_handshake(id, connections_.at(id));
  if (now < next_sweep_ms_) return;
  next_sweep_ms_ = now + kSweepMs;
  for (const auto& [document, room] : rooms_) {
    room->expire_presences(now, limits_.awareness_timeout_ms, staged_.sends);
  }
}

std::optional<std::int64_t> Hub::next_due_ms() const {
  if (connections_.empty()) return std::nullopt;
  std::int64_t next = next_sweep_ms_;
  for (const auto& [id, connection] : connections_) {
    if (connection.handshake) next = std::min(next, connection.handshake->deadline_ms);
  }
  return next;
}

Turn Hub::told(std::vector<DocumentChange> changes) {
  for (const DocumentChange& change : changes) {
    const auto it = rooms_.find(change.document);
    if (it == rooms_.end()) continue;
    Buffer payload;
    protocol::write_update(payload, change.update);
    it->second->tell(payload, change.origin, staged_.sends);
  }
  return std::exchange(staged_, {});
}

Turn Hub::untold(const Error& why) {
  std::set<ConnectionId> affected;
  for (const Outgoing& outgoing : staged_.sends)
    affected.insert(outgoing.targets.begin(), outgoing.targets.end());
  staged_.sends.clear();
  for (auto it = rooms_.begin(); it != rooms_.end();) {
    if (documents_.holds(it->first)) {
      ++it;
      continue;
    }
    for (const Subscription* subscription : it->second->subscriptions())
      affected.insert(subscription->connection);
    it = rooms_.erase(it);
  }
  for (const ConnectionId id : affected) {
    const auto connection = connections_.find(id);
    if (connection == connections_.end()) continue;
    for (auto& [wire_id, subscription] : connection->second.open) {
      const auto room = rooms_.find(subscription->document);
      if (room == rooms_.end()) continue;
      room->second->forget_presences(*subscription, clock_.steady_ms(), staged_.sends);
      room->second->remove(*subscription);
      if (room->second->subscriptions().empty()) rooms_.erase(room);
    }
    connection->second.open.clear();
    connection->second.handshake.reset();
    refuse_and_close(id, CloseCode::Internal, "not_saved", "",
                     "the edit could not be saved: " + why.message);
  }
  return std::exchange(staged_, {});
}

}  // namespace diaryx::sync
