// Where a program takes part in what the sync server does: lets people in, looks on, refuses,
// answers. A hook that has nothing to say leaves the defaults, which let everything happen.
//
//   connection   on_connect → on_authenticate (only who did not say who it is with the address)
//   document     on_before_sync → on_load → … on_change … → on_save → before_close → after_unload
//   people       on_peer_joined, on_peer_left (of the workspace document)
//   messages     on_control_message, on_stateless: what the dialects have no word for
//
// All calls come on the thread that owns the workspace, within a turn: they must not block, must
// not throw, and must not call the hub. An error of on_connect, on_authenticate or on_before_sync
// is told to the client; the others cannot refuse, because what they tell of has happened.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/bytes.h"
#include "engine/base/result.h"
#include "engine/sync/hub_types.h"

namespace diaryx::sync {

// References are valid during the call.
struct AuthRequest {
  ConnectionId connection;
  std::string_view document;  // As the client named it.
  std::string_view token;     // What it showed: a token or a join code; may be empty.
  std::string_view address;
};

struct DocumentUse {
  ConnectionId connection;
  const Principal& principal;
  std::string_view wire_id;   // The name that the client used.
  std::string_view document;  // The store name: "workspace", "body/<file id>", "path/<path>".
};

class Hooks {
 public:
  virtual ~Hooks() = default;

  // An error refuses the connection: NotAllowed → 4403, LimitExceeded → 4429, else 4401.
  virtual Status on_connect(ConnectionId, const Visitor&) { return {}; }
  // Only for visitors that are not known yet. Nobody is let in unless somebody knows them.
  virtual Result<Principal> on_authenticate(const AuthRequest&) {
    return Error{ErrorCode::NotAllowed, "a token is needed"};
  }
  // Control texts to send before the document's first message. An error refuses the document.
  virtual Result<std::vector<std::string>> on_before_sync(const DocumentUse&) {
    return std::vector<std::string>{};
  }
  // A document came into memory for somebody.
  virtual void on_load(std::string_view /*document*/) {}
  // An edit is durable. `connection`: 0 if it came from the disk or from the server itself.
  virtual void on_change(std::string_view /*document*/, Bytes /*update_v1*/,
                         ConnectionId /*connection*/) {}
  // A client asked for a document to be saved: it is, since everything told is durable.
  virtual void on_save(const DocumentUse&) {}
  // The last one who had it open has left; it leaves memory some seconds later.
  virtual void before_close(std::string_view /*document*/) {}
  virtual void after_unload(std::string_view /*document*/) {}
  // A text that is no control message of ours. True: it was for the hook. False: the client is told
  // that it was not understood.
  virtual bool on_control_message(ConnectionId, const Principal&, std::string_view /*text*/) {
    return false;
  }
  // Hocuspocus' message for the application.
  virtual void on_stateless(const DocumentUse&, std::string_view /*payload*/) {}
  virtual void on_peer_joined(const Principal&, std::size_t /*peers*/) {}
  virtual void on_peer_left(const Principal&, std::size_t /*peers*/) {}
};

}  // namespace diaryx::sync
