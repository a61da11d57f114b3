// What goes into the hub and what comes out of it: connections, visitors, outgoing messages, close
// codes, limits.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/result.h"

namespace diaryx::sync {

using ConnectionId = std::uint64_t;  // Given by the caller, never reused.

// WebSocket close codes of ours (design: 44xx mirrors HTTP's 4xx).
enum class CloseCode : std::uint16_t {
  Normal = 1000,
  GoingAway = 1001,
  Internal = 1011,
  Malformed = 4400,
  NotAuthenticated = 4401,
  NotAllowed = 4403,
  NoSuchWorkspace = 4404,
  TooSlow = 4408,
  OtherEpoch = 4409,
  TooLarge = 4413,
  TooMany = 4429,
};

// Who is at the other end.
struct Principal {
  std::string user_id;  // "owner", "guest:<id>"
  bool is_guest = false;
  bool read_only = false;  // A guest's follows its share.
  std::string join_code;   // Guests only: the code of a share (shares.h).
};

// The way of speaking that a connection's address stands for.
enum class DialectKind : std::uint8_t {
  Sync2,       // /sync2
  Sync1,       // /sync: the workspace document, one body, or many
  YWebsocket,  // /ws/<document>
  Hocuspocus,  // /hocuspocus
};
struct Endpoint {
  DialectKind dialect = DialectKind::Sync2;
  std::string document;      // YWebsocket: the document's id. Sync1: the path of the one body.
  bool multiplexed = false;  // Sync1: many bodies.
};

// A connection as web/ hands it over.
struct Visitor {
  Principal principal;
  Endpoint endpoint;
  // Hocuspocus may come without: the token is in its first message, and nothing is done before.
  bool is_known = true;
  std::string address = {};  // For the counting of attempts; never an authority.
};

struct Outgoing {
  std::vector<ConnectionId> targets;
  bool text = false;  // A JSON control message, else a binary frame.
  std::shared_ptr<const std::string>
      payload;  // The message, without WebSocket framing: encoded once, shared by all.
};
struct Closing {
  ConnectionId connection;
  CloseCode code;
  std::string reason;  // At most 123 octets.
};
// In order: all of `sends` before all of `closes`.
struct Turn {
  std::vector<Outgoing> sends;
  std::vector<Closing> closes;
  std::optional<Error> lost = {};  // What happened in the turn could not be made durable.
};

struct Limits {
  std::size_t frame_bytes = 16U << 20U;
  std::size_t documents_per_connection = 10'000;
  std::size_t orphan_documents = 1'000;
  std::size_t document_bytes = 64U << 20U;
  std::size_t pending_frames_per_document = 64;  // While the Files-Ready handshake waits.
  std::int64_t handshake_ms = 10'000;
  std::int64_t awareness_timeout_ms = 30'000;
  std::int64_t unload_after_ms = 10'000;
  std::int64_t keep_alive_ms = 20'000;  // For clients that give up after 30 s without a message.
  std::int64_t token_ms = 10'000;       // Until a visitor that is not known has said who it is.
  std::size_t stateless_bytes = 64U << 10U;  // Of a message that is passed on unread.
  std::size_t guests_per_share = 50;
  std::size_t shares = 100;
};

}  // namespace diaryx::sync
