// /sync2: many documents on one socket, each named by its id in every frame; control messages as
// JSON texts; the workspace document behind the Files-Ready gate. What Diaryx 1.4 speaks, and what
// the editor of diaryx-sync speaks.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "engine/sync/dialect.h"
#include "engine/sync/dialects/files_ready.h"

namespace diaryx::sync {

class Sync2 final : public Dialect {
 public:
  const Manners& manners() const noexcept override;
  void receive(Hub& hub, Connection& connection, Bytes message) override;
  void receive_text(Hub& hub, Connection& connection, std::string_view text) override;
  void synced(Hub& hub, Connection& connection, const Subscription& subscription) override;
  void due(Hub& hub, Connection& connection) override;

 private:
  void ask_for_files(Hub& hub, Connection& connection, const std::string& wire_id, Bytes payload);
  void files_ready(Hub& hub, Connection& connection);
  static void tell_state(Hub& hub, Connection& connection);

  FilesReadyGate gate_;
  std::size_t bodies_synced_ = 0;
};

}  // namespace diaryx::sync
