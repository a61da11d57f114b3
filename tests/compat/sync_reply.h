// A y-sync message to a document, and the answer: what y-protocols' readSyncMessage does.
#pragma once

#include "engine/base/bytes.h"
#include "engine/base/result.h"
#include "engine/crdt/doc.h"

namespace diaryx::compat {

struct SyncReply {
  int type;        // 0 step 1, 1 step 2, 2 update.
  Buffer message;  // Without the envelope; empty if there is nothing to say.
};

// `message` comes without the envelope. What follows it is ignored, as y-protocols does.
Result<SyncReply> handle_sync_message(crdt::Doc& doc, Bytes message);

}  // namespace diaryx::compat
