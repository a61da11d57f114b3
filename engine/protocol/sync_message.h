// y-sync messages, the payload of a frame (source: y-protocols 1.0.7).
//
//   message := 00 00 varbytes(state vector v1)     SyncStep1: what I have
//            | 00 01 varbytes(update v1)           SyncStep2: what you lack
//            | 00 02 varbytes(update v1)           Update: what just happened
//            | 01 varbytes(awareness update)       see awareness.h
//            | 02 00 varstring(reason)             Auth: permission denied
//            | 02 01                               Auth: granted
//            | 03                                  QueryAwareness
//   varbytes := length:varuint byte[length]
//
// Several may follow each other in one payload. Unknown types cannot be skipped, because their
// length is unknown.
//
// Example: 00 01 02 00 00  00 00 01 00   "you lack nothing", and "I have nothing": SyncStep2, then
// SyncStep1
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/base/bytes.h"
#include "engine/base/result.h"
#include "engine/codec/reader.h"

namespace diaryx::protocol {

enum class MessageKind {
  SyncStep1,
  SyncStep2,
  Update,
  Awareness,
  AuthDenied,
  AuthGranted,
  QueryAwareness
};

// Borrows from the payload it was decoded from.
struct Message {
  MessageKind kind;
  Bytes body;  // State vector, update, awareness update, or reason text; empty for the rest.
};

// One octet may be a message: a large payload of them would take many times its size.
inline constexpr std::size_t kMostMessages = 4'096;

// All messages of a payload, in order. Malformed anywhere makes the whole payload Malformed:
// nothing of it may be used. An empty payload is Malformed too.
Result<std::vector<Message>> decode_messages(Bytes payload);

// The next message alone; what follows it stays in `in`. Malformed if there is none, and then `in`
// is of no more use.
Result<Message> read_message(codec::Reader& in);

// Each appends one message to `out`.
void write_sync_step1(Buffer& out, Bytes state_vector);
void write_sync_step2(Buffer& out, Bytes update);
// What stands before an update of so many octets: for those that are too large to copy.
void write_sync_step2_head(Buffer& out, std::size_t update_octets);
void write_update(Buffer& out, Bytes update);
void write_awareness(Buffer& out, Bytes awareness_update);
void write_auth_denied(Buffer& out, std::string_view reason);  // UTF-8.
void write_auth_granted(Buffer& out);
void write_query_awareness(Buffer& out);

}  // namespace diaryx::protocol
