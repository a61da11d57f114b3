// /sync: what Diaryx spoke before 0.11. A socket is for the workspace document, for one body, or
// for many bodies; the first two carry y-sync messages without a name, the third puts the file's
// path in front. Beside them JSON texts, and the Files-Ready gate before the workspace document.
//
// Unlike the original: what comes before the gate is kept, not dropped; an edit is not sent back to
// its sender; SyncStep2 is relayed; readers cannot write; sync_progress goes to the socket whose
// progress it is; awareness is not passed on, because those clients took it for updates.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "engine/protocol/doc_id.h"
#include "engine/sync/dialect.h"
#include "engine/sync/dialects/files_ready.h"

namespace diaryx::sync {

class Sync1 final : public Dialect {
 public:
  explicit Sync1(const Endpoint& endpoint);

  const Manners& manners() const noexcept override;
  void start(Hub& hub, Connection& connection) override;
  void receive(Hub& hub, Connection& connection, Bytes message) override;
  void receive_text(Hub& hub, Connection& connection, std::string_view text) override;
  void refuse(Hub& hub, Connection& connection, const Refusal& refusal) override;
  void synced(Hub& hub, Connection& connection, const Subscription& subscription) override;
  void taken(Hub& hub, Connection& connection, const Subscription& subscription,
             const Taken& taken) override;
  void due(Hub& hub, Connection& connection) override;

 private:
  enum class Mode : std::uint8_t { Workspace, OneBody, ManyBodies };

  protocol::DocId doc_of(const Hub& hub, std::string_view path) const;
  void start_workspace(Hub& hub, Connection& connection);
  void files_ready(Hub& hub, Connection& connection);
  void count_subscription(Hub& hub, Connection& connection);

  Mode mode_;
  std::string path_;  // OneBody.
  FilesReadyGate gate_;
  bool complete_ = false;             // sync_complete was sent.
  std::size_t progressed_ = 0;        // Workspace: files changed since SyncStep1. Bodies: replies.
  std::int64_t last_subscribed_ = 0;  // Steady ms.
};

}  // namespace diaryx::sync
