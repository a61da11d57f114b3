// What goes into the hub and what comes out of it: connections, principals, outgoing messages,
// close codes, limits.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

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

// Who is at the other end. Decided by web/ before the first message.
struct Principal {
  std::string user_id;  // "owner", "guest:<id>"
  bool is_guest = false;
  bool read_only = false;
  std::string join_code;  // Guests only.
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
};

}  // namespace diaryx::sync
