// Several updates in one row of `updates`. A turn that touches many documents is one such row
// (under kTurns), so that it costs a page or two and not one for each document; and what the turns
// held of one document becomes one row of that document.
#pragma once

#include <cstdint>
#include <optional>

#include "engine/base/bytes.h"

namespace diaryx::storage {

// In `updates`.doc: no document, but turns, numbered by `seq`. Their entries are of any documents.
inline constexpr std::int64_t kTurns = 0;
// In `updates`.origin: the row is packed. Its seq is that of its last entry.
inline constexpr std::int64_t kPackedOrigin = 255;

struct PackedUpdate {
  std::int64_t doc, seq, time_ms, origin;
  Bytes data;  // Borrowed.
  // Is what was written (unless the row's own sum was asked), and its origin is one of
  // UpdateOrigin.
  bool good = true;
};

// An entry: doc, seq, time_ms and origin, then the length of the data, as variable-length numbers
// (7 bits an octet, low first); update_row_crc() of it, 4 octets, low first; the data. Numbers are
// not negative.
void pack(Buffer& out, const PackedUpdate& update);

// The entries of a row, one after the other.
class Unpacker {
 public:
  // Whether each entry's sum is looked at: no need to where the row's own has been.
  enum class Sums : std::uint8_t { LookedAt, Skipped };
  explicit Unpacker(Bytes row, Sums sums = Sums::LookedAt) : left_(row), sums_(sums) {}
  // Nothing at the end, or where the octets are no entry: then cut() is true.
  std::optional<PackedUpdate> next();
  bool cut() const noexcept { return cut_; }

 private:
  bool number(std::int64_t& out);
  Bytes left_;
  Sums sums_;
  bool cut_ = false;
};

}  // namespace diaryx::storage
