#include "engine/protocol/frame.h"

#include <fmt/format.h>

#include "engine/base/utf.h"
#include "engine/codec/reader.h"
#include "engine/codec/writer.h"
#include "engine/protocol/doc_id.h"

namespace diaryx::protocol {
namespace {

std::size_t longest_name(Framing framing) {
  return framing == Framing::ShortName ? kMaxDocIdBytes : kMaxLongNameBytes;
}

Error too_long(std::uint64_t size, Framing framing) {
  return {ErrorCode::LimitExceeded, fmt::format("frame: document id of {} octets, {} are allowed",
                                                size, longest_name(framing))};
}

}  // namespace

Result<Frame> decode_frame(Bytes message, Framing framing) {
  if (message.empty()) return Error{ErrorCode::Malformed, "frame: empty message"};
  if (framing == Framing::Bare) return Frame{{}, message};
  codec::Reader in(message);
  std::uint64_t length = 0;
  if (framing == Framing::ShortName) {
    DX_TRY(length, in.u8());
  } else {
    const auto read = in.var_uint();
    if (!read) return Error(read.error()).with("frame: length of the document id");
    length = *read;
    if (length > kMaxLongNameBytes) return too_long(length, framing);
  }
  const auto id = in.utf8(static_cast<std::size_t>(length));
  if (!id) return Error(id.error()).with("frame: document id");
  return Frame{*id, in.rest()};
}

Result<Buffer> encode_frame(std::string_view doc_id, Bytes payload, Framing framing) {
  if (framing == Framing::Bare) return to_buffer(payload);
  if (doc_id.size() > longest_name(framing)) return too_long(doc_id.size(), framing);
  if (!is_utf8(doc_id)) return Error{ErrorCode::InvalidArgument, "frame: document id is not UTF-8"};
  Buffer frame;
  frame.reserve(2 + doc_id.size() + payload.size());
  codec::Writer out(frame);
  if (framing == Framing::ShortName) {
    out.u8(static_cast<std::uint8_t>(doc_id.size()));
  } else {
    out.var_uint(doc_id.size());
  }
  out.bytes(as_bytes(doc_id));
  out.bytes(payload);
  return frame;
}

}  // namespace diaryx::protocol
