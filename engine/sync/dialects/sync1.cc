#include "engine/sync/dialects/sync1.h"

#include <algorithm>
#include <variant>
#include <vector>

#include "engine/protocol/control_message.h"
#include "engine/sync/hub.h"

namespace diaryx::sync {
namespace {

// No new body for so long: the client has asked for all of them.
constexpr std::int64_t kQuietMs = 3'000;

constexpr Manners kWorkspaceManners{.framing = protocol::Framing::Bare,
                                    .greets = false,
                                    .ask_back = Manners::AskBack::InTheSameMessage,
                                    .presences = false,
                                    .control_texts = true,
                                    .keep_alive = false};
constexpr Manners kOneBodyManners{.framing = protocol::Framing::Bare,
                                  .greets = true,
                                  .ask_back = Manners::AskBack::InTheSameMessage,
                                  .presences = false,
                                  .control_texts = true,
                                  .keep_alive = false};
constexpr Manners kManyBodiesManners{.framing = protocol::Framing::LongName,
                                     .greets = false,
                                     .ask_back = Manners::AskBack::InTheSameMessage,
                                     .presences = false,
                                     .control_texts = true,
                                     .keep_alive = false};

}  // namespace

Sync1::Sync1(const Endpoint& endpoint)
    : mode_(endpoint.multiplexed        ? Mode::ManyBodies
            : endpoint.document.empty() ? Mode::Workspace
                                        : Mode::OneBody),
      path_(endpoint.document) {}

const Manners& Sync1::manners() const noexcept {
  switch (mode_) {
    case Mode::Workspace:
      return kWorkspaceManners;
    case Mode::OneBody:
      return kOneBodyManners;
    case Mode::ManyBodies:
      break;
  }
  return kManyBodiesManners;
}

// An empty path: the workspace document.
protocol::DocId Sync1::doc_of(const Hub& hub, std::string_view path) const {
  return {.kind = mode_ == Mode::Workspace ? protocol::DocKind::Workspace : protocol::DocKind::Body,
          .workspace_id = hub.facts().workspace_id,
          .key = std::string(path)};
}

void Sync1::start(Hub& hub, Connection& connection) {
  switch (mode_) {
    case Mode::Workspace:
      return start_workspace(hub, connection);
    case Mode::OneBody:
      (void)hub.open(connection, path_, doc_of(hub, path_));  // A refusal has been told.
      return;
    case Mode::ManyBodies:
      if (const auto focus = hub.focus(); !focus.empty())
        hub.send_text(connection, protocol::focus_list_changed_message(focus));
      return;
  }
}

void Sync1::start_workspace(Hub& hub, Connection& connection) {
  tell_guest(hub, connection);
  const std::vector<protocol::ManifestFile> files = hub.manifest(true);
  if (!files.empty()) {
    gate_.shut(hub, connection, "");
    return hub.send_text(connection,
                         protocol::file_manifest_message(files, true, hub.facts().epoch));
  }
  if (hub.open(connection, "", doc_of(hub, "")) == nullptr) return;
  Buffer state;
  protocol::write_sync_step2(state, hub.workspace_document().doc->encode_state_as_update());
  hub.send_payload(connection, "", state);
}

void Sync1::files_ready(Hub& hub, Connection& connection) {
  const std::vector<Buffer> payloads = gate_.open();
  hub.send_text(connection, protocol::crdt_state_message(
                                hub.workspace_document().doc->encode_state_as_update()));
  if (hub.open(connection, "", doc_of(hub, "")) == nullptr) return;
  for (const Buffer& payload : payloads) {
    if (connection.closing) return;
    (void)hub.payload(connection, "", doc_of(hub, ""), payload);  // A refusal has been told.
  }
}

void Sync1::receive(Hub& hub, Connection& connection, Bytes message) {
  if (gate_.closed()) {
    (void)gate_.keep(hub, connection, message);  // A refusal has been told.
    return;
  }
  const auto frame = protocol::decode_frame(message, manners().framing);
  if (!frame) return hub.malformed(connection, {}, frame.error().message);
  const std::string_view name = mode_ == Mode::ManyBodies ? frame->doc_id : path_;
  if (Subscription* const open = connection.subscription(name)) {
    (void)hub.payload(connection, *open, frame->payload);  // As above.
    return;
  }
  const std::string path(name);
  if (hub.payload(connection, path, doc_of(hub, path), frame->payload) && mode_ == Mode::ManyBodies)
    count_subscription(hub, connection);
}

void Sync1::count_subscription(Hub& hub, Connection& connection) {
  const bool waits = last_subscribed_ != 0;
  last_subscribed_ = hub.steady_ms();
  if (!complete_ && !waits) hub.wake_at(connection, last_subscribed_ + kQuietMs);
}

void Sync1::due(Hub& hub, Connection& connection) {
  if (gate_.overdue(hub)) return files_ready(hub, connection);
  if (mode_ != Mode::ManyBodies || complete_) return;
  if (hub.steady_ms() < last_subscribed_ + kQuietMs)
    return hub.wake_at(connection, last_subscribed_ + kQuietMs);
  complete_ = true;
  hub.send_text(connection, protocol::sync_complete_message(connection.open.size()));
}

void Sync1::receive_text(Hub& hub, Connection& connection, std::string_view text) {
  const auto message = protocol::parse_client_message(text);
  if (!message) {
    if (hub.control_message(connection, text)) return;
    return hub.send_text(connection, protocol::error_message(message.error(), ""));
  }
  if (std::holds_alternative<protocol::FilesReady>(*message)) {
    if (gate_.closed()) files_ready(hub, connection);
  } else if (const auto* focus = std::get_if<protocol::Focus>(&*message)) {
    hub.change_focus(connection, focus->files, true);
  } else if (const auto* unfocus = std::get_if<protocol::Unfocus>(&*message)) {
    hub.change_focus(connection, unfocus->files, false);
  }
}

void Sync1::refuse(Hub& hub, Connection& connection, const Refusal& refusal) {
  Dialect::refuse(hub, connection, refusal);
  // On a socket for one document there is nothing to go on with.
  if (mode_ == Mode::OneBody && connection.open.empty() && !refusal.close)
    hub.close(connection, CloseCode::NoSuchWorkspace, std::string(refusal.code));
}

void Sync1::synced(Hub& hub, Connection& connection, const Subscription& /*subscription*/) {
  if (mode_ == Mode::Workspace) {
    progressed_ = 0;
    return;
  }
  if (mode_ != Mode::ManyBodies) return;
  const std::size_t total = connection.open.size();
  if (++progressed_ % std::clamp<std::size_t>(total / 20, 100, 500) != 0) return;
  hub.send_text(connection, protocol::sync_progress_message(progressed_, total));
}

void Sync1::taken(Hub& hub, Connection& connection, const Subscription& /*subscription*/,
                  const Taken& taken) {
  if (mode_ != Mode::Workspace) return;
  if (taken.files_changed > 0) {
    progressed_ += taken.files_changed;
    hub.send_text(connection, protocol::sync_progress_message(progressed_, hub.file_count()));
  }
  if (!taken.is_step2 || complete_) return;
  complete_ = true;
  hub.send_text(connection, protocol::sync_complete_message(hub.file_count()));
}

}  // namespace diaryx::sync
