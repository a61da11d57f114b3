// /hocuspocus: many documents on one socket as the npm package @hocuspocus/provider, versions 2, 3
// and 4, speaks (hocuspocus_message.h). Each document begins with a token; who is known by the
// socket's address or cookie may leave it empty. SyncStatus tells that an edit is durable.
#pragma once

#include <string>
#include <string_view>

#include "engine/protocol/hocuspocus_message.h"
#include "engine/sync/dialect.h"

namespace diaryx::sync {

class Hocuspocus final : public Dialect {
 public:
  const Manners& manners() const noexcept override;
  void receive(Hub& hub, Connection& connection, Bytes message) override;
  void refuse(Hub& hub, Connection& connection, const Refusal& refusal) override;
  void taken(Hub& hub, Connection& connection, const Subscription& subscription,
             const Taken& taken) override;
  void rights_changed(Hub& hub, Connection& connection) override;

 private:
  void authenticate(Hub& hub, Connection& connection, const std::string& name,
                    std::string_view token);
  void sync(Hub& hub, Connection& connection, const protocol::HocuspocusMessage& message);
};

}  // namespace diaryx::sync
