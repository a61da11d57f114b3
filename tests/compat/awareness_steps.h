// Steps on presence: awareness.*. Beyond those of the corpus each may have `now` (ms), and there is
//
//   awareness.tick  id, now: what Yjs' timer does  → renewed, removed: {update, change}
#pragma once

#include <map>
#include <string>

#include "engine/protocol/awareness.h"
#include "tests/compat/report.h"

namespace diaryx::compat {

class AwarenessSteps {
 public:
  // False if the step is none of these.
  bool run(const OrderedJson& step, Report& report);

 private:
  std::map<std::string, protocol::Awareness> by_id_;
  std::map<std::string, std::uint64_t> locals_;  // Client ids.
};

// {states, clocks} as `awareness.check` expects them.
OrderedJson awareness_view(const protocol::Awareness& awareness);

}  // namespace diaryx::compat
