// The hooks of `diaryx-sync serve`: who shows the owner's token or a share's code in its first
// message is let in, and what happens is logged (never tokens, never content).
#pragma once

#include "engine/sync/hooks.h"
#include "web/auth.h"

namespace diaryx::web {

class LocalHooks final : public sync::Hooks {
 public:
  // Must outlive it.
  explicit LocalHooks(Auth& auth) : auth_(auth) {}

  Status on_connect(sync::ConnectionId connection, const sync::Visitor& visitor) override;
  Result<sync::Principal> on_authenticate(const sync::AuthRequest& request) override;
  void on_load(std::string_view document) override;
  void after_unload(std::string_view document) override;

 private:
  Auth& auth_;
};

sync::Principal owner();
// A guest who came by a share. `guest_id` as it came in the query; a name is made up if it is none.
sync::Principal guest_of(const sync::Share& share, const std::string& guest_id);

}  // namespace diaryx::web
