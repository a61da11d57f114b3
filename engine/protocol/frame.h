// One binary WebSocket message carries bytes for one document. How it names the document differs
// between the dialects; this header defines the ways.
//
//   ShortName   id_len:u8  id:utf8[id_len]  payload:byte*        /sync2
//   LongName    id_len:varuint  id:utf8[id_len]  payload:byte*   /sync with many bodies, Hocuspocus
//   Bare        payload:byte*                                    y-websocket, /sync with one
//                                                                document
//
//   id_len      in octets. ShortName: 0..255, LongName: 0..kMaxLongNameBytes. A longer id has no
//               encoding: encode_frame() refuses it, because a truncated id would name another
//               document. An empty id is a well-formed frame that names nothing: parse_doc_id()
//               refuses it.
//   payload     y-sync messages (sync_message.h), one after the other. Opaque here.
//
// Example: "body:abc123/notes/a.md" is 0x16 octets long, so SyncStep1 of an empty document in it is
//          16 "body:abc123/notes/a.md" 00 00 01 00    (the same in ShortName and LongName)
#pragma once

#include <cstdint>
#include <string_view>

#include "engine/base/bytes.h"
#include "engine/base/result.h"

namespace diaryx::protocol {

enum class Framing : std::uint8_t { ShortName, LongName, Bare };

// A document's id, or a path; in Hocuspocus also a NUL and a session's id behind it.
inline constexpr std::size_t kMaxLongNameBytes = 512;

// Borrows from the bytes it was decoded from.
struct Frame {
  std::string_view doc_id;  // Empty in Bare.
  Bytes payload;
};

Result<Frame> decode_frame(Bytes message, Framing framing = Framing::ShortName);
// Bare takes no notice of `doc_id`.
Result<Buffer> encode_frame(std::string_view doc_id, Bytes payload,
                            Framing framing = Framing::ShortName);

}  // namespace diaryx::protocol
