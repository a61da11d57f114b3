// A document's log as it is read from the store, on its way into the document: many updates are
// merged into one before it is applied, because integrating one large update is several times
// cheaper than as many small ones.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/base/bytes.h"
#include "engine/base/result.h"
#include "engine/crdt/doc.h"
#include "engine/storage/store.h"

namespace diaryx::sync {

// Must not outlive its document.
class StoredLog {
 public:
  explicit StoredLog(crdt::Doc& doc) : doc_(doc) {}

  // Copies it. It is in the document after take_in() at the latest. Corrupt if some update until
  // here cannot be applied; it is named by its number.
  Status add(const storage::UpdateView& update);
  // What add() has kept.
  Status take_in();

 private:
  Status take_in_each();

  crdt::Doc& doc_;
  struct Entry {
    std::int64_t seq;
    std::size_t end;  // In octets_; it begins where the one before it ends.
  };
  std::vector<Entry> entries_;
  std::vector<Bytes> updates_;  // The same, while they are taken in.
  Buffer octets_;
};

}  // namespace diaryx::sync
