// One binary WebSocket message of /sync2 carries bytes for one document. This header is the frame's
// definition.
//
//   frame   := id_len:u8  id:utf8[id_len]  payload:byte*
//
//   id_len   0..255, in octets. A longer id has no encoding: encode_frame() refuses it, because a
//   truncated id would name
//            another document. An empty id is a well-formed frame that names nothing:
//            parse_doc_id() refuses it.
//   payload  y-sync messages (sync_message.h), one after the other. Opaque here.
//
// Example: 12 "body:abc123/notes/a.md" is 0x16 octets long, so SyncStep1 of an empty document in it
// is
//          16 "body:abc123/notes/a.md" 00 00 01 00
#pragma once

#include <string_view>

#include "engine/base/bytes.h"
#include "engine/base/result.h"

namespace diaryx::protocol {

// Borrows from the bytes it was decoded from.
struct Frame {
  std::string_view doc_id;
  Bytes payload;
};

Result<Frame> decode_frame(Bytes message);
Result<Buffer> encode_frame(std::string_view doc_id, Bytes payload);

}  // namespace diaryx::protocol
