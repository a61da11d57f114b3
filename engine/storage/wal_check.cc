#include "engine/storage/wal_check.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <thread>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "engine/base/posix.h"

namespace diaryx::storage {
namespace {

constexpr std::size_t kHeader = 32;
constexpr std::size_t kFrameHeader = 24;
constexpr std::size_t kSummedInFrame = 8;
constexpr std::uint32_t kMagic = 0x377f0682;  // One more: the sums are of words high octet first.
constexpr std::size_t kUsualPage = 4096;
// The transaction that was being written when the power failed has one commit; a second one cannot
// have been begun before the first was synced.
constexpr int kMoreThanTorn = 2;

std::uint32_t word(Bytes at, std::size_t offset) {
  return static_cast<std::uint32_t>(at[offset]) << 24U |
         static_cast<std::uint32_t>(at[offset + 1]) << 16U |
         static_cast<std::uint32_t>(at[offset + 2]) << 8U |
         static_cast<std::uint32_t>(at[offset + 3]);
}

struct Sums {
  std::uint32_t a = 0, b = 0;
  bool operator==(const Sums&) const = default;

  void add(Bytes bytes, bool high_first) {
    const auto next = [&](std::size_t at) {
      const std::uint32_t w = word(bytes, at);
      return high_first ? w : __builtin_bswap32(w);
    };
    for (std::size_t at = 0; at + 8 <= bytes.size(); at += 8) {
      a += next(at) + b;
      b += next(at + 4) + a;
    }
  }
};

struct Salts {
  std::uint32_t one = 0, two = 0;
  bool operator==(const Salts&) const = default;
};

Result<Buffer> read_log(const std::filesystem::path& file) {
  Buffer log;
  const Fd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!fd) {
    if (errno == ENOENT) return log;
    return errno_error(errno, file.string());
  }
  std::array<std::uint8_t, 65'536> piece{};
  for (;;) {
    const ssize_t n = ::read(fd.get(), piece.data(), piece.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_error(errno, file.string());
    if (n == 0) return log;
    log.insert(log.end(), piece.begin(), piece.begin() + n);
  }
}

}  // namespace

std::optional<std::string> wal_fault(Bytes log) {
  if (log.size() < kHeader + kFrameHeader) return std::nullopt;
  const std::uint32_t magic = word(log, 0);
  const bool high_first = (magic & 1U) != 0;
  const std::size_t page = word(log, 8) == 1 ? 65'536 : word(log, 8);
  Sums sums;
  sums.add(log.subspan(0, 24), high_first);
  const bool header_good =
      (magic & ~1U) == kMagic && sums == Sums{word(log, 24), word(log, 28)} && page >= 512;
  const std::size_t frame = kFrameHeader + (header_good ? page : kUsualPage);
  const auto salts_at = [&](std::size_t at) {
    return Salts{word(log, at + 8), word(log, at + 12)};
  };
  const Salts salts = header_good ? Salts{word(log, 16), word(log, 20)} : salts_at(kHeader);

  bool good = header_good;
  std::size_t bad_frame = 0;
  int commits_lost = 0;
  for (std::size_t n = 0, at = kHeader; at + frame <= log.size(); ++n, at += frame) {
    if (good) {
      Sums with_frame = sums;
      with_frame.add(log.subspan(at, kSummedInFrame), high_first);
      with_frame.add(log.subspan(at + kFrameHeader, frame - kFrameHeader), high_first);
      good = salts_at(at) == salts && with_frame == Sums{word(log, at + 16), word(log, at + 20)};
      sums = with_frame;
      bad_frame = n;
    }
    if (!good && salts_at(at) == salts && word(log, at + 4) != 0) ++commits_lost;
  }
  if (commits_lost < kMoreThanTorn) return std::nullopt;
  return fmt::format("{} is not what was written, and {} transactions stand behind it",
                     header_good ? fmt::format("frame {} of the log", bad_frame + 1)
                                 : std::string("the log's header"),
                     commits_lost);
}

Result<std::optional<std::string>> wal_fault_beside(const std::filesystem::path& database) {
  const std::filesystem::path file = database.string() + "-wal";
  DX_TRY(const Buffer first, read_log(file));
  const auto fault = wal_fault(first);
  if (!fault) return std::optional<std::string>();
  // Somebody may just have begun to write it anew from its start: then it is another one by now.
  constexpr auto kALittleLater = std::chrono::milliseconds(50);
  std::this_thread::sleep_for(kALittleLater);
  DX_TRY(const Buffer second, read_log(file));
  const auto again = wal_fault(second);
  if (!again || *again != *fault) return std::optional<std::string>();
  return std::optional<std::string>(file.string() + ": " + *fault);
}

}  // namespace diaryx::storage
