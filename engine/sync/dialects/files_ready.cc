#include "engine/sync/dialects/files_ready.h"

#include <utility>

#include "engine/sync/hub.h"

namespace diaryx::sync {

void FilesReadyGate::shut(Hub& hub, Connection& connection, std::string wire_id) {
  const std::int64_t deadline = hub.steady_ms() + hub.limits().handshake_ms;
  waits_.emplace(Waits{.wire_id = std::move(wire_id), .deadline_ms = deadline, .payloads = {}});
  hub.wake_at(connection, deadline);
}

bool FilesReadyGate::keep(Hub& hub, Connection& connection, Bytes payload) {
  if (waits_->payloads.size() >= hub.limits().pending_frames_per_document) {
    hub.refuse(connection, {.code = "too_many_frames",
                            .wire_id = waits_->wire_id,
                            .message = "frames for the workspace document before \"FilesReady\"",
                            .close = CloseCode::TooMany});
    return false;
  }
  waits_->payloads.push_back(to_buffer(payload));
  return true;
}

bool FilesReadyGate::overdue(const Hub& hub) const {
  return waits_ && waits_->deadline_ms <= hub.steady_ms();
}

std::vector<Buffer> FilesReadyGate::open() {
  std::vector<Buffer> payloads = std::move(waits_->payloads);
  waits_.reset();
  passed_ = true;
  return payloads;
}

void tell_guest(Hub& hub, Connection& connection) {
  const Principal& who = connection.principal();
  if (!who.is_guest) return;
  hub.send_text(connection, protocol::session_joined_message(
                                who.join_code, hub.facts().workspace_id, who.read_only));
}

}  // namespace diaryx::sync
