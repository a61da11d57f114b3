// A way of speaking: how the peers of one endpoint name documents, begin, and are refused. The hub
// knows what is open and who may what; a dialect only translates, and keeps what its protocol makes
// it remember. One object per connection; no I/O, no clock of its own.
//
// Calls come from the hub, within a turn. A dialect calls back the part of Hub that is marked "for
// dialects".
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "engine/base/bytes.h"
#include "engine/protocol/frame.h"
#include "engine/sync/hub_types.h"

namespace diaryx::sync {

class Hub;
struct Connection;
struct Subscription;

// What is the same for all connections of a dialect.
struct Manners {
  // After its SyncStep2, does the server ask what the client has?
  enum class AskBack : std::uint8_t { Never, InTheSameMessage, InItsOwnMessage };

  protocol::Framing framing = protocol::Framing::ShortName;
  bool greets = true;  // Opening a document is answered with SyncStep1 and the presences.
  AskBack ask_back = AskBack::Never;
  bool presences = true;       // Awareness is understood.
  bool control_texts = false;  // JSON text messages are understood.
  bool keep_alive = false;     // Gives up if nothing comes for 30 s, pings do not count.
};

// Something the client asked for cannot be.
struct Refusal {
  std::string_view code;     // A stable word: "malformed", "read_only", …
  std::string_view wire_id;  // The document; empty: none.
  std::string message;
  std::optional<CloseCode> close = {};  // The connection cannot go on.
  bool repeated = false;                // The same was said of this document before.
};

struct Taken {
  bool is_step2 = false;          // It came as SyncStep2.
  std::size_t files_changed = 0;  // Whose record or text was not yet changed in this turn.
};

class Dialect {
 public:
  static std::unique_ptr<Dialect> make(const Endpoint& endpoint);
  virtual ~Dialect() = default;

  virtual const Manners& manners() const noexcept = 0;
  // The connection is there.
  virtual void start(Hub&, Connection&) {}
  virtual void receive(Hub& hub, Connection& connection, Bytes message) = 0;
  // Unless a hook takes it, a text is malformed: for endpoints that take binary messages only.
  virtual void receive_text(Hub& hub, Connection& connection, std::string_view text);
  // Tells the client, as an error in JSON; what is repeated is not told. The hub closes afterwards
  // if refusal.close says so.
  virtual void refuse(Hub& hub, Connection& connection, const Refusal& refusal);
  // A SyncStep1 for it was answered.
  virtual void synced(Hub&, Connection&, const Subscription&) {}
  // An update was taken, and is durable when this turn's messages are told.
  virtual void taken(Hub&, Connection&, const Subscription&, const Taken&) {}
  // connection.principal.read_only has changed: told where control texts are understood.
  virtual void rights_changed(Hub& hub, Connection& connection);
  // The time that was asked for by Hub::wake_at() has come; it may be an earlier wish.
  virtual void due(Hub&, Connection&) {}
};

}  // namespace diaryx::sync
