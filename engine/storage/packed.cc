#include "engine/storage/packed.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "engine/base/check.h"
#include "engine/storage/checksum.h"
#include "engine/storage/store.h"

namespace diaryx::storage {
namespace {

constexpr unsigned kBits = 7;
constexpr std::uint8_t kMore = 0x80;

void put_number(Buffer& out, std::int64_t number) {
  DX_CHECK(number >= 0);
  auto rest = static_cast<std::uint64_t>(number);
  for (; rest >= kMore; rest >>= kBits) out.push_back(static_cast<std::uint8_t>(rest | kMore));
  out.push_back(static_cast<std::uint8_t>(rest));
}

}  // namespace

void pack(Buffer& out, const PackedUpdate& update) {
  // A clock that was set to before 1970 is no reason to stop.
  const std::int64_t time_ms = std::max<std::int64_t>(update.time_ms, 0);
  put_number(out, update.doc);
  put_number(out, update.seq);
  put_number(out, time_ms);
  put_number(out, update.origin);
  put_number(out, static_cast<std::int64_t>(update.data.size()));
  const std::uint32_t crc =
      update_row_crc(update.doc, update.seq, time_ms, update.origin, update.data);
  std::array<std::uint8_t, sizeof crc> octets{};
  std::memcpy(octets.data(), &crc, sizeof crc);
  out.insert(out.end(), octets.begin(), octets.end());
  out.insert(out.end(), update.data.begin(), update.data.end());
}

bool Unpacker::number(std::int64_t& out) {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 63; shift += kBits) {
    if (left_.empty()) return false;
    const std::uint8_t octet = left_.front();
    left_ = left_.subspan(1);
    value |= std::uint64_t{octet & (kMore - 1U)} << shift;
    if ((octet & kMore) == 0) {
      out = static_cast<std::int64_t>(value);
      return true;
    }
  }
  return false;
}

std::optional<PackedUpdate> Unpacker::next() {
  if (cut_ || left_.empty()) return std::nullopt;
  PackedUpdate update{};
  std::int64_t size = 0;
  std::uint32_t crc = 0;
  if (!number(update.doc) || !number(update.seq) || !number(update.time_ms) ||
      !number(update.origin) || !number(size) || left_.size() < sizeof crc ||
      left_.size() - sizeof crc < static_cast<std::uint64_t>(size)) {
    cut_ = true;
    return std::nullopt;
  }
  std::memcpy(&crc, left_.data(), sizeof crc);
  update.data = left_.subspan(sizeof crc, static_cast<std::size_t>(size));
  left_ = left_.subspan(sizeof crc + static_cast<std::size_t>(size));
  update.good =
      update.origin <= static_cast<std::int64_t>(UpdateOrigin::Import) &&
      (sums_ == Sums::Skipped ||
       crc == update_row_crc(update.doc, update.seq, update.time_ms, update.origin, update.data));
  return update;
}

}  // namespace diaryx::storage
