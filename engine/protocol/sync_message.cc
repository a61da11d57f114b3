#include "engine/protocol/sync_message.h"

#include <fmt/format.h>

#include "engine/codec/writer.h"

namespace diaryx::protocol {
namespace {

// First number of a message, and the second one of those types that have one.
constexpr std::uint64_t kSync = 0;
constexpr std::uint64_t kAwareness = 1;
constexpr std::uint64_t kAuth = 2;
constexpr std::uint64_t kQueryAwareness = 3;
constexpr std::uint64_t kStep1 = 0;
constexpr std::uint64_t kStep2 = 1;
constexpr std::uint64_t kUpdate = 2;
constexpr std::uint64_t kDenied = 0;
constexpr std::uint64_t kGranted = 1;

Error unknown(std::string_view what, std::uint64_t number) {
  return {ErrorCode::Malformed, fmt::format("sync message: unknown {} {}", what, number)};
}

Result<Message> read_sync(codec::Reader& in) {
  DX_TRY(const std::uint64_t step, in.var_uint());
  if (step > kUpdate) return unknown("sync type", step);
  DX_TRY(const Bytes body, in.var_bytes());
  if (step == kStep1) return Message{MessageKind::SyncStep1, body};
  return Message{step == kStep2 ? MessageKind::SyncStep2 : MessageKind::Update, body};
}

Result<Message> read_auth(codec::Reader& in) {
  DX_TRY(const std::uint64_t verdict, in.var_uint());
  if (verdict == kGranted) return Message{MessageKind::AuthGranted, {}};
  if (verdict != kDenied) return unknown("auth type", verdict);
  DX_TRY(const std::string_view reason, in.var_string());
  return Message{MessageKind::AuthDenied, as_bytes(reason)};
}

void write_sync(Buffer& out, std::uint64_t step, Bytes body) {
  codec::Writer writer(out);
  writer.var_uint(kSync);
  writer.var_uint(step);
  writer.var_bytes(body);
}

}  // namespace

Result<Message> read_message(codec::Reader& in) {
  DX_TRY(const std::uint64_t type, in.var_uint());
  switch (type) {
    case kSync:
      return read_sync(in);
    case kAwareness: {
      DX_TRY(const Bytes body, in.var_bytes());
      return Message{MessageKind::Awareness, body};
    }
    case kAuth:
      return read_auth(in);
    case kQueryAwareness:
      return Message{MessageKind::QueryAwareness, {}};
    default:
      return unknown("type", type);
  }
}

Result<std::vector<Message>> decode_messages(Bytes payload) {
  if (payload.empty()) return Error{ErrorCode::Malformed, "sync message: empty payload"};
  codec::Reader in(payload);
  std::vector<Message> messages;
  while (!in.at_end()) {
    if (messages.size() == kMostMessages) {
      return Error{ErrorCode::Malformed,
                   "sync message: more than " + std::to_string(kMostMessages) + " in one payload"};
    }
    DX_TRY(const Message message, read_message(in));
    messages.push_back(message);
  }
  return messages;
}

void write_sync_step1(Buffer& out, Bytes state_vector) {
  write_sync(out, kStep1, state_vector);
}
void write_sync_step2(Buffer& out, Bytes update) {
  write_sync(out, kStep2, update);
}
void write_sync_step2_head(Buffer& out, std::size_t update_octets) {
  codec::Writer writer(out);
  writer.var_uint(kSync);
  writer.var_uint(kStep2);
  writer.var_uint(update_octets);
}
void write_update(Buffer& out, Bytes update) {
  write_sync(out, kUpdate, update);
}

void write_awareness(Buffer& out, Bytes awareness_update) {
  codec::Writer writer(out);
  writer.var_uint(kAwareness);
  writer.var_bytes(awareness_update);
}

void write_auth_denied(Buffer& out, std::string_view reason) {
  codec::Writer writer(out);
  writer.var_uint(kAuth);
  writer.var_uint(kDenied);
  writer.var_string(reason);
}

void write_auth_granted(Buffer& out) {
  codec::Writer writer(out);
  writer.var_uint(kAuth);
  writer.var_uint(kGranted);
}

void write_query_awareness(Buffer& out) {
  codec::Writer(out).var_uint(kQueryAwareness);
}

}  // namespace diaryx::protocol
