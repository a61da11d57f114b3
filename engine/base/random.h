// Chance comes in through this interface, so that a simulation can be replayed from its seed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace diaryx {

class Random {
 public:
  virtual ~Random() = default;
  virtual std::uint64_t next() = 0;
  // Uniform in [0, bound). bound > 0.
  std::uint64_t below(std::uint64_t bound);
  // A client id for a live replica: 1 .. 2^32 - 1 (clients built on yrs truncate longer ones).
  std::uint64_t client_id();
  // `length` characters drawn from `alphabet`.
  std::string text(std::size_t length, std::string_view alphabet);
};

// The operating system's generator: fit for tokens and ids. Aborts if the system has none.
class SystemRandom final : public Random {
 public:
  std::uint64_t next() override;
};

// splitmix64: the same sequence for the same seed on every machine. Not for secrets.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() override;

 private:
  std::uint64_t state_;
};

// 64 characters that need no escaping in a URL, a file name or a header.
inline constexpr std::string_view kUrlSafeAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

}  // namespace diaryx
