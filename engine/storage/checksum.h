// CRC-32C (Castagnoli, reflected polynomial 0x82F63B78, as in RFC 3720): finds flipped bits in a
// stored row. No secret, no defence against a person.
#pragma once

#include <cstdint>

#include "engine/base/bytes.h"

namespace diaryx::storage {

// Continues from `crc`, the checksum of what came before; 0 at the start. crc32c(0, "123456789") is
// 0xE3069283.
std::uint32_t crc32c(std::uint32_t crc, Bytes bytes) noexcept;

// The same on processors that have no instruction for it.
std::uint32_t crc32c_by_tables(std::uint32_t crc, Bytes bytes) noexcept;

// The checksum of a row of `updates`: doc, seq, time_ms and origin as 8 octets each, low octet
// first, then the data.
std::uint32_t update_row_crc(std::int64_t doc, std::int64_t seq, std::int64_t time_ms,
                             std::int64_t origin, Bytes data) noexcept;

}  // namespace diaryx::storage
