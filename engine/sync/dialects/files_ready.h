// The Files-Ready gate: who asks for the workspace document is first told which files there are,
// and gets the document once it says that it has them, or after a time-out. What it sends for the
// document meanwhile is kept, and answered then.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/bytes.h"
#include "engine/sync/dialect.h"

namespace diaryx::sync {

class FilesReadyGate {
 public:
  bool closed() const noexcept { return waits_.has_value(); }
  bool passed() const noexcept { return passed_; }
  // The name by which the document was asked for; closed() only.
  const std::string& wire_id() const { return waits_->wire_id; }

  // Shuts behind it who asks for `wire_id`.
  void shut(Hub& hub, Connection& connection, std::string wire_id);
  // Keeps a payload; false, and told, if there are too many.
  bool keep(Hub& hub, Connection& connection, Bytes payload);
  bool overdue(const Hub& hub) const;
  // Opens it and hands out what was kept.
  std::vector<Buffer> open();
  // Nobody waits any more.
  void forget() noexcept { waits_.reset(); }

 private:
  struct Waits {
    std::string wire_id;
    std::int64_t deadline_ms;  // Steady.
    std::vector<Buffer> payloads;
  };
  std::optional<Waits> waits_;
  bool passed_ = false;
};

// What comes before the files: to a guest, which session it has joined, and what it may do there.
void tell_guest(Hub& hub, Connection& connection);

}  // namespace diaryx::sync
