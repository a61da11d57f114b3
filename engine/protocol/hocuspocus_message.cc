#include "engine/protocol/hocuspocus_message.h"

#include <fmt/format.h>

#include "engine/codec/reader.h"
#include "engine/codec/writer.h"
#include "engine/protocol/frame.h"

namespace diaryx::protocol {
namespace {

constexpr std::uint64_t kToken = 0;
constexpr std::uint64_t kPermissionDenied = 1;
constexpr std::uint64_t kAuthenticated = 2;

void put_kind(codec::Writer& out, HocuspocusKind kind) {
  out.var_uint(static_cast<std::uint64_t>(kind));
}

bool is_y_sync(HocuspocusKind kind) {
  return kind == HocuspocusKind::Sync || kind == HocuspocusKind::SyncReply ||
         kind == HocuspocusKind::Awareness || kind == HocuspocusKind::QueryAwareness;
}

Status read_token(codec::Reader& in, HocuspocusMessage& message) {
  DX_TRY(const std::uint64_t type, in.var_uint());
  if (type != kToken) {
    return Error{ErrorCode::Malformed,
                 fmt::format("auth message of type {}: a client sends its token", type)};
  }
  DX_TRY(message.text, in.var_string());
  if (!in.at_end()) DX_TRY_OK(in.var_string());  // The provider's version: nothing follows from it.
  return {};
}

Status read_rest(codec::Reader& in, HocuspocusMessage& message) {
  if (message.kind == HocuspocusKind::Auth) return read_token(in, message);
  if (message.kind == HocuspocusKind::Close) return {};  // A reason may follow.
  if (message.kind == HocuspocusKind::Stateless ||
      message.kind == HocuspocusKind::BroadcastStateless) {
    DX_TRY(message.text, in.var_string());
    return {};
  }
  return Error{ErrorCode::Malformed,
               fmt::format("message of kind {}", static_cast<unsigned>(message.kind))};
}

}  // namespace

Result<HocuspocusMessage> decode_hocuspocus(Bytes octets) {
  const auto is_alone = [&](HocuspocusKind kind) {
    return octets.size() == 1 && octets[0] == static_cast<std::uint8_t>(kind);
  };
  for (const HocuspocusKind kind : {HocuspocusKind::Ping, HocuspocusKind::Pong}) {
    if (is_alone(kind)) return HocuspocusMessage{{}, kind, {}, {}};
  }
  DX_TRY(const Frame frame, decode_frame(octets, Framing::LongName));
  codec::Reader in(frame.payload);
  const auto kind = in.var_uint();
  if (!kind) return Error(kind.error()).with("kind of a message");
  if (*kind > static_cast<std::uint64_t>(HocuspocusKind::SyncStatus)) {
    return Error{ErrorCode::Malformed, fmt::format("message of kind {}", *kind)};
  }
  HocuspocusMessage message{frame.doc_id, static_cast<HocuspocusKind>(*kind), {}, {}};
  if (is_y_sync(message.kind)) {
    message.payload = frame.payload;
  } else {
    DX_TRY_OK(read_rest(in, message));
  }
  return message;
}

std::string_view document_of(std::string_view name) noexcept {
  return name.substr(0, name.find('\0'));
}

void write_permission_denied(Buffer& out, std::string_view reason) {
  codec::Writer to(out);
  put_kind(to, HocuspocusKind::Auth);
  to.var_uint(kPermissionDenied);
  to.var_string(reason);
}

void write_authenticated(Buffer& out, bool read_only) {
  codec::Writer to(out);
  put_kind(to, HocuspocusKind::Auth);
  to.var_uint(kAuthenticated);
  to.var_string(read_only ? "readonly" : "read-write");
}

void write_stateless(Buffer& out, std::string_view payload) {
  codec::Writer to(out);
  put_kind(to, HocuspocusKind::Stateless);
  to.var_string(payload);
}

void write_close(Buffer& out, std::string_view reason) {
  codec::Writer to(out);
  put_kind(to, HocuspocusKind::Close);
  to.var_string(reason);
}

void write_sync_status(Buffer& out, bool saved) {
  codec::Writer to(out);
  put_kind(to, HocuspocusKind::SyncStatus);
  to.var_int(saved ? 1 : 0, false);
}

}  // namespace diaryx::protocol
