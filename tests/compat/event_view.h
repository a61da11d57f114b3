// An event as the cases of undo_steps.h show it.
#pragma once

#include "engine/base/json.h"
#include "engine/crdt/events.h"

namespace diaryx::compat {

OrderedJson view_event(const crdt::Event& event);
OrderedJson view_document_events(const crdt::SubDocumentEvents& events);

}  // namespace diaryx::compat
