#include "engine/sync/stored_log.h"

#include <string>

#include "engine/crdt/update.h"

namespace diaryx::sync {
namespace {

// So much is merged at a time: enough that the rest costs little, and it lies in the caches.
constexpr std::size_t kMostOctets = 32U << 10U;
// What is larger is not worth copying.
constexpr std::size_t kMostOctetsEach = 16U << 10U;

Error not_applied(std::int64_t seq, const Error& error) {
  return Error{ErrorCode::Corrupt, "stored update " + std::to_string(seq) + ": " + error.message};
}

}  // namespace

Status StoredLog::add(const storage::UpdateView& update) {
  if (update.data.size() > kMostOctetsEach) {
    DX_TRY_OK(take_in());
    if (const Status applied = doc_.apply_update(update.data); !applied)
      return not_applied(update.seq, applied.error());
    return {};
  }
  octets_.insert(octets_.end(), update.data.begin(), update.data.end());
  entries_.push_back({update.seq, octets_.size()});
  return octets_.size() < kMostOctets ? Status() : take_in();
}

Status StoredLog::take_in() {
  if (entries_.empty()) return {};
  Status done;
  if (entries_.size() == 1) {
    done = take_in_each();
  } else {
    updates_.clear();
    std::size_t begin = 0;
    for (const Entry& entry : entries_) {
      updates_.emplace_back(octets_.data() + begin, entry.end - begin);
      begin = entry.end;
    }
    // One that is malformed, or cannot be applied, must be named: then each for itself. What was
    // applied before is known to the document, and does it no harm.
    const Result<Buffer> merged = crdt::merge_updates_v1(updates_);
    done = merged && doc_.apply_update(*merged) ? Status() : take_in_each();
  }
  entries_.clear();
  octets_.clear();
  return done;
}

Status StoredLog::take_in_each() {
  std::size_t begin = 0;
  for (const Entry& entry : entries_) {
    const Bytes update(octets_.data() + begin, entry.end - begin);
    if (const Status applied = doc_.apply_update(update); !applied)
      return not_applied(entry.seq, applied.error());
    begin = entry.end;
  }
  return {};
}

}  // namespace diaryx::sync
