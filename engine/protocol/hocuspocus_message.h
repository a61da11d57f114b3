// Hocuspocus' messages, as @hocuspocus/provider 2, 3 and 4 speak them (source: their packages of
// npm). A binary WebSocket message is one of them:
//
//   message := name:varstring  kind:varuint  …
//     0 Sync            as y-sync (sync_message.h)
//     1 Awareness       as y-sync
//     2 Auth            0 varstring(token) varstring(version)?   client: who I am
//                       1 varstring(reason)                       server: permission denied
//                       2 varstring("read-write" | "readonly")    server: authenticated
//     3 QueryAwareness  as y-sync
//     4 SyncReply       as Sync; no SyncStep1 is wanted back
//     5 Stateless       varstring                                 something of the applications'
//     6 BroadcastStateless  varstring                             the same, for everybody
//     7 Close           varstring(reason)?                        this document is left
//     8 SyncStatus      varint(1 | 0)                             an update was saved, or was not
//   message := 09 | 0a                                            Ping, Pong: a single octet
//
// `name` is the document's; version 4 may put a NUL and a session's id behind it, so that one
// socket can have a document open more than once. Answers carry the same name.
//
// Example: 01 "d" 02 02 08 "readonly"   document "d" may be read
#pragma once

#include <cstdint>
#include <string_view>

#include "engine/base/bytes.h"
#include "engine/base/result.h"

namespace diaryx::protocol {

enum class HocuspocusKind : std::uint8_t {
  Sync = 0,
  Awareness = 1,
  Auth = 2,
  QueryAwareness = 3,
  SyncReply = 4,
  Stateless = 5,
  BroadcastStateless = 6,
  Close = 7,
  SyncStatus = 8,
  Ping = 9,
  Pong = 10,
};

// Borrows from the bytes it was decoded from.
struct HocuspocusMessage {
  std::string_view name;  // As the client wrote it; empty for Ping and Pong.
  HocuspocusKind kind;
  // Sync, SyncReply, Awareness, QueryAwareness: a y-sync payload, its type octet included.
  Bytes payload;
  std::string_view text;  // Auth: the token. Stateless, BroadcastStateless: the payload.
};

// Malformed: cut off, or a kind that a client has no use for.
Result<HocuspocusMessage> decode_hocuspocus(Bytes message);
// The name without the session's id.
std::string_view document_of(std::string_view name) noexcept;

// What the server says; each appends everything behind the name.
void write_permission_denied(Buffer& out, std::string_view reason);
void write_authenticated(Buffer& out, bool read_only);
void write_stateless(Buffer& out, std::string_view payload);
void write_close(Buffer& out, std::string_view reason);
void write_sync_status(Buffer& out, bool saved);

}  // namespace diaryx::protocol
