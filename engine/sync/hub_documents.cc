// The hub's documents: opening them for a connection, and what arrives for them.
#include <algorithm>
#include <utility>

#include "engine/base/path.h"
#include "engine/crdt/snapshot.h"
#include "engine/crdt/update.h"
#include "engine/sync/hub.h"
#include "engine/workspace/file_record.h"

namespace diaryx::sync {
namespace {

bool is_file_id(std::string_view key) {
  return !key.empty() && key.size() <= 64 &&
         std::all_of(key.begin(), key.end(),
                     [](unsigned char c) { return std::isalnum(c) != 0 || c == '-' || c == '_'; });
}

// Would it change nothing? So it is when a reader answers our SyncStep1: it has nothing of its own.
bool says_nothing(const crdt::Doc& doc, Bytes update) {
  if (crdt::is_empty_update_v1(update)) return true;
  const auto known = crdt::snapshot_contains_update_v1(crdt::take_snapshot(doc), update);
  return known.has_value() && *known;
}

// Each has an answer that may be as large as the document, and all answers to one message wait in
// memory together.
constexpr std::ptrdiff_t kMostQuestions = 16;

bool asks(const protocol::Message& message) noexcept {
  return message.kind == protocol::MessageKind::SyncStep1 ||
         message.kind == protocol::MessageKind::QueryAwareness;
}

}  // namespace

std::size_t Hub::file_count() const {
  return documents_.metadata().count().live;
}

std::vector<protocol::ManifestFile> Hub::manifest(bool include_deleted) const {
  const workspace::MetadataDoc& metadata = documents_.metadata();
  std::vector<protocol::ManifestFile> entries;
  for (const auto& [id, record] : metadata.records()) {
    const auto path = metadata.path_of(id);
    if (!path && !(include_deleted && record.deleted)) continue;
    std::optional<std::string> parent = record.part_of;
    if (parent) {
      if (auto parent_path = metadata.path_of(*parent)) parent = std::move(parent_path);
    }
    entries.push_back({.doc_id = "body:" + facts_.workspace_id + "/" + id,
                       .filename = path ? *path : record.path,
                       .title = record.title,
                       .part_of = std::move(parent),
                       .deleted = record.deleted});
  }
  std::sort(entries.begin(), entries.end(),
            [](const auto& a, const auto& b) { return a.filename < b.filename; });
  return entries;
}

// --- Opening and leaving ---

Room& Hub::room_of(LiveDocument& document) {
  std::unique_ptr<Room>& room = rooms_[&document];
  if (!room) {
    room = std::make_unique<Room>(document);
    hooks_->on_load(document.name);
  }
  return *room;
}

DocumentUse Hub::use_of(const Connection& connection, const Subscription& subscription) const {
  return {.connection = connection.id,
          .principal = connection.principal(),
          .wire_id = subscription.wire_id,
          .document = subscription.document->name};
}

Result<std::string> Hub::resolve(const protocol::DocId& doc) const {
  if (doc.workspace_id != facts_.workspace_id) {
    return Error{ErrorCode::NotFound, "no workspace \"" + doc.workspace_id + "\" is served here"};
  }
  if (doc.kind == protocol::DocKind::Workspace) return std::string(kWorkspaceDocName);
  const workspace::MetadataDoc& metadata = documents_.metadata();
  if (metadata.has(doc.key)) return body_doc_name(doc.key);
  if (is_file_id(doc.key)) return body_doc_name(doc.key);  // Its record is on its way.
  DX_TRY(const WorkspacePath path, WorkspacePath::parse(doc.key));
  if (const auto id = metadata.id_at(path.str())) return body_doc_name(*id);
  if (const auto id = metadata.tombstone_at(path.str())) return body_doc_name(*id);
  return path_doc_name(path.str());
}

Status Hub::check_waiting_limit(const std::string& name) const {
  const bool has_record = name.starts_with("body/") && documents_.metadata().has(name.substr(5));
  const std::set<std::string>& waiting = documents_.waiting();
  if (has_record || waiting.contains(name) || waiting.size() < limits_.orphan_documents) return {};
  return Error{ErrorCode::LimitExceeded,
               std::to_string(waiting.size()) + " documents wait for their files already"};
}

Result<Subscription*> Hub::subscribe(Connection& connection, const std::string& wire_id,
                                     const protocol::DocId& doc) {
  if (connection.open.size() >= limits_.documents_per_connection) {
    return Error{ErrorCode::LimitExceeded, "more than " +
                                               std::to_string(limits_.documents_per_connection) +
                                               " documents on one connection"};
  }
  DX_TRY(const std::string name, resolve(doc));
  DX_TRY(const std::vector<std::string> texts,
         hooks_->on_before_sync({.connection = connection.id,
                                 .principal = connection.principal(),
                                 .wire_id = wire_id,
                                 .document = name}));
  LiveDocument* document = nullptr;
  if (doc.kind == protocol::DocKind::Workspace) {
    document = &documents_.workspace();
  } else {
    DX_TRY_OK(check_waiting_limit(name));
    DX_TRY(document, documents_.open_document(name));
  }
  const Manners& manners = connection.dialect->manners();
  auto subscription = std::make_unique<Subscription>(Subscription{.number = next_subscription_++,
                                                                  .connection = connection.id,
                                                                  .wire_id = wire_id,
                                                                  .document = document,
                                                                  .manners = &manners,
                                                                  .presences = {}});
  Subscription* result = subscription.get();
  connection.open.emplace(wire_id, std::move(subscription));
  Room& room = room_of(*document);
  room.add(*result);
  if (manners.control_texts) {
    for (const std::string& text : texts) send_text(connection, text);
  }
  if (manners.greets) {
    Buffer step1;
    protocol::write_sync_step1(step1, document->doc->encode_state_vector());
    staged_.sends.push_back(Room::to_one(*result, step1));
  }
  if (manners.presences) {
    if (const Buffer presences = room.presences(); !presences.empty())
      staged_.sends.push_back(Room::to_one(*result, presences));
  }
  if (document == &documents_.workspace()) {
    const std::size_t peers = room.connections();
    text_to_workspace(protocol::peer_joined_message(connection.principal().user_id, peers),
                      connection.id);
    hooks_->on_peer_joined(connection.principal(), peers);
  }
  return result;
}

void Hub::refuse_to_open(Connection& connection, const std::string& wire_id,
                         const protocol::DocId& doc, const Error& error) {
  const bool foreign = doc.workspace_id != facts_.workspace_id;
  Refusal refusal{.code = foreign ? "no_such_workspace" : to_string(error.code),
                  .wire_id = wire_id,
                  .message = error.message};
  // Who has nothing else open waits for an answer that cannot come.
  if (foreign && connection.open.empty()) {
    refusal.close = CloseCode::NoSuchWorkspace;
  } else if (error.code == ErrorCode::LimitExceeded) {
    refusal.close = CloseCode::TooMany;
  }
  refuse(connection, refusal);
}

Subscription* Hub::open(Connection& connection, const std::string& wire_id,
                        const protocol::DocId& doc) {
  if (Subscription* subscription = connection.subscription(wire_id)) return subscription;
  const auto opened = subscribe(connection, wire_id, doc);
  if (opened) return *opened;
  refuse_to_open(connection, wire_id, doc, opened.error());
  return nullptr;
}

void Hub::leave(Connection& connection, const std::string& wire_id) {
  const auto it = connection.open.find(wire_id);
  if (it == connection.open.end()) return;
  Subscription& subscription = *it->second;
  LiveDocument& document = *subscription.document;
  Room& room = room_of(document);
  room.forget_presences(subscription, steady_ms(), staged_.sends);
  room.remove(subscription);
  document.used_ms = steady_ms();
  const std::size_t left = room.connections();
  if (room.subscriptions().empty()) {
    rooms_.erase(&document);
    hooks_->before_close(document.name);
  }
  connection.open.erase(it);
  if (&document != &documents_.workspace()) return;
  text_to_workspace(protocol::peer_left_message(connection.principal().user_id, left),
                    connection.id);
  hooks_->on_peer_left(connection.principal(), left);
}

void Hub::move_subscribers(LiveDocument& from, LiveDocument& to) {
  const auto it = rooms_.find(&from);
  if (it == rooms_.end()) return;
  Buffer payload;
  protocol::write_update(payload, to.doc->encode_state_as_update());
  const std::vector<Subscription*> movers = it->second->subscriptions();
  Room& target = room_of(to);
  for (Subscription* subscription : movers) {
    it->second->forget_presences(*subscription, steady_ms(), staged_.sends);
    it->second->remove(*subscription);
    subscription->document = &to;
    target.add(*subscription);
    staged_.sends.push_back(Room::to_one(*subscription, payload));
  }
  rooms_.erase(it);
}

void Hub::saved(Connection& connection, const Subscription& subscription) {
  hooks_->on_save(use_of(connection, subscription));
}

void Hub::stateless(Connection& connection, const Subscription& subscription,
                    std::string_view payload) {
  hooks_->on_stateless(use_of(connection, subscription), payload);
}

void Hub::send_to_dialect(const Subscription& subscription, Bytes payload) {
  const auto it = rooms_.find(subscription.document);
  if (it == rooms_.end()) return;
  for (const Subscription* other : it->second->subscriptions()) {
    // Each dialect has one set of manners.
    if (other->manners == subscription.manners)
      staged_.sends.push_back(Room::to_one(*other, payload));
  }
}

// --- Messages ---

std::optional<std::vector<protocol::Message>> Hub::read(Connection& connection,
                                                        std::string_view wire_id, Bytes payload) {
  auto messages = protocol::decode_messages(payload);
  if (!messages) {
    malformed(connection, wire_id, messages.error().message);
    return std::nullopt;
  }
  const auto questions = std::count_if(messages->begin(), messages->end(), asks);
  if (questions > kMostQuestions) {
    refuse(connection, {.code = "too_many_questions",
                        .wire_id = wire_id,
                        .message = std::to_string(questions) + " questions in one message",
                        .close = CloseCode::TooMany});
    return std::nullopt;
  }
  return *std::move(messages);
}

bool Hub::payload(Connection& connection, Subscription& subscription, Bytes octets) {
  const auto messages = read(connection, subscription.wire_id, octets);
  return messages && handle(connection, subscription, *messages);
}

bool Hub::payload(Connection& connection, const std::string& wire_id, const protocol::DocId& doc,
                  Bytes octets) {
  // Before anything is opened: rubbish opens nothing.
  const auto messages = read(connection, wire_id, octets);
  if (!messages) return false;
  Subscription* subscription = open(connection, wire_id, doc);
  return subscription != nullptr && handle(connection, *subscription, *messages);
}

bool Hub::handle(Connection& connection, Subscription& subscription,
                 const std::vector<protocol::Message>& messages) {
  for (const protocol::Message& message : messages) {
    if (connection.closing) return false;
    handle(connection, subscription, message);
  }
  return true;
}

void Hub::handle(Connection& connection, Subscription& subscription,
                 const protocol::Message& message) {
  Room& room = room_of(*subscription.document);
  switch (message.kind) {
    case protocol::MessageKind::SyncStep1:
      return answer_step1(connection, subscription, message.body);
    case protocol::MessageKind::SyncStep2:
    case protocol::MessageKind::Update:
      return take_update(connection, subscription, message);
    case protocol::MessageKind::Awareness: {
      const Status status = room.presence(subscription, message.body, steady_ms(), staged_.sends);
      if (!status) malformed(connection, subscription.wire_id, status.error().message);
      return;
    }
    case protocol::MessageKind::QueryAwareness: {
      if (const Buffer payload = room.presences(); !payload.empty())
        staged_.sends.push_back(Room::to_one(subscription, payload));
      return;
    }
    case protocol::MessageKind::AuthDenied:
    case protocol::MessageKind::AuthGranted:
      return;  // Ours to say; from a client they mean nothing.
  }
}

void Hub::answer_step1(Connection& connection, Subscription& subscription, Bytes state_vector) {
  const crdt::Doc& doc = *subscription.document->doc;
  const auto update = doc.encode_state_as_update(state_vector);
  if (!update) return malformed(connection, subscription.wire_id, update.error().message);
  Buffer payload;
  protocol::write_sync_step2(payload, *update);
  if (subscription.manners->ask_back == Manners::AskBack::InTheSameMessage)
    protocol::write_sync_step1(payload, doc.encode_state_vector());
  staged_.sends.push_back(Room::to_one(subscription, payload));
  if (subscription.manners->ask_back == Manners::AskBack::InItsOwnMessage) {
    Buffer question;
    protocol::write_sync_step1(question, doc.encode_state_vector());
    staged_.sends.push_back(Room::to_one(subscription, question));
  }
  connection.dialect->synced(*this, connection, subscription);
}

void Hub::take_update(Connection& connection, Subscription& subscription,
                      const protocol::Message& message) {
  LiveDocument& document = *subscription.document;
  const bool is_step2 = message.kind == protocol::MessageKind::SyncStep2;
  if (connection.principal().read_only) {
    // Looked at closely only until it is clear that this client does write.
    if (!subscription.told_read_only && says_nothing(*document.doc, message.body))
      return connection.dialect->taken(*this, connection, subscription, {.is_step2 = is_step2});
    return refuse(connection,
                  {.code = "read_only",
                   .wire_id = subscription.wire_id,
                   .message = "this session may read but not write; the edit was not taken",
                   .repeated = std::exchange(subscription.told_read_only, true)});
  }
  if (document.stored_bytes + message.body.size() > limits_.document_bytes) {
    return refuse(connection, {.code = "document_too_large",
                               .wire_id = subscription.wire_id,
                               .message = "the document would grow beyond " +
                                          std::to_string(limits_.document_bytes) + " octets",
                               .close = CloseCode::TooLarge});
  }
  const std::size_t changed_before = documents_.changed_files();
  if (const Status status = documents_.apply(document, message.body, subscription.number);
      !status) {
    if (status.error().code == ErrorCode::LimitExceeded) {
      return refuse(connection, {.code = "update_too_large",
                                 .wire_id = subscription.wire_id,
                                 .message = status.error().message,
                                 .close = CloseCode::TooLarge});
    }
    return malformed(connection, subscription.wire_id, status.error().message);
  }
  connection.dialect->taken(
      *this, connection, subscription,
      {.is_step2 = is_step2, .files_changed = documents_.changed_files() - changed_before});
}

}  // namespace diaryx::sync
