// DX_CHECK stops the process when our own code broke a promise. It stays on in release builds.
// Never put bytes from outside (network, disk, git, SQLite, a user) behind it: those return Result.
#pragma once

namespace diaryx {
// Prints the place and the condition on stderr and aborts.
[[noreturn]] void check_failed(const char* condition, const char* file, int line) noexcept;
}  // namespace diaryx

#define DX_CHECK(condition)                          \
  (__builtin_expect(static_cast<bool>(condition), 1) \
       ? static_cast<void>(0)                        \
       : ::diaryx::check_failed(#condition, __FILE__, __LINE__))
