#include "engine/protocol/frame.h"

#include <fmt/format.h>

#include "engine/base/utf.h"
#include "engine/codec/reader.h"
#include "engine/codec/writer.h"
#include "engine/protocol/doc_id.h"

namespace diaryx::protocol {

Result<Frame> decode_frame(Bytes message) {
  codec::Reader in(message);
  const auto id_length = in.u8();
  if (!id_length) return Error{ErrorCode::Malformed, "frame: empty message"};
  const auto id = in.utf8(*id_length);
  if (!id) return Error(id.error()).with("frame: document id");
  return Frame{*id, in.rest()};
}

Result<Buffer> encode_frame(std::string_view doc_id, Bytes payload) {
  if (doc_id.size() > kMaxDocIdBytes) {
    return Error{ErrorCode::LimitExceeded,
                 fmt::format("frame: document id of {} octets, {} are allowed", doc_id.size(),
                             kMaxDocIdBytes)};
  }
  if (!is_utf8(doc_id)) return Error{ErrorCode::InvalidArgument, "frame: document id is not UTF-8"};
  Buffer frame;
  frame.reserve(1 + doc_id.size() + payload.size());
  codec::Writer out(frame);
  out.u8(static_cast<std::uint8_t>(doc_id.size()));
  out.bytes(as_bytes(doc_id));
  out.bytes(payload);
  return frame;
}

}  // namespace diaryx::protocol
