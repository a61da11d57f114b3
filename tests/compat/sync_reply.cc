#include "tests/compat/sync_reply.h"

#include "engine/codec/reader.h"
#include "engine/protocol/sync_message.h"
#include "tests/compat/message_steps.h"

namespace diaryx::compat {

Result<SyncReply> handle_sync_message(crdt::Doc& doc, Bytes message) {
  Buffer enveloped{0};
  enveloped.insert(enveloped.end(), message.begin(), message.end());
  codec::Reader in(enveloped);
  DX_TRY(const protocol::Message read, protocol::read_message(in));
  if (read.kind == protocol::MessageKind::SyncStep1) {
    DX_TRY(const Buffer update, doc.encode_state_as_update(read.body));
    Buffer reply;
    protocol::write_sync_step2(reply, update);
    return SyncReply{0, to_buffer(without_envelope(reply))};
  }
  DX_TRY_OK(doc.apply_update(read.body));
  return SyncReply{read.kind == protocol::MessageKind::SyncStep2 ? 1 : 2, {}};
}

}  // namespace diaryx::compat
