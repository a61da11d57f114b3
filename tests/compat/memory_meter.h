// Counts the memory that this program takes from operator new, and from realloc() as the engine's
// arenas do, so that a hostile input can be held to a limit. Linking memory_meter.cc replaces the
// global operators; the program is linked with --wrap=realloc and --wrap=free.
#pragma once

#include <cstddef>

namespace diaryx::compat {

class MemoryMeter {
 public:
  // Starts to measure. One meter at a time.
  MemoryMeter() noexcept;
  // The most that was held at one time beyond what was held at the start, in octets.
  std::size_t peak() const noexcept;

 private:
  std::size_t start_;
};

}  // namespace diaryx::compat
