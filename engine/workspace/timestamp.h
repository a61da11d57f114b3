// Moments as headers write them: RFC 3339 ("2026-03-16T14:55:36.123-06:00", a blank for the T
// allowed), or milliseconds.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace diaryx::workspace {

struct Timestamp {
  std::int64_t ms = 0;     // since 1970-01-01 UTC
  int offset_minutes = 0;  // How far local time is ahead of UTC.
  bool utc_letter = true;  // "Z", not "+00:00".
  bool fraction = true;    // Fractions of a second are given.
};

// Nothing unless date, time and offset are all there and possible. Fractions beyond milliseconds
// are cut off.
std::optional<Timestamp> parse_rfc3339(std::string_view text);
// In the offset and precision of `like`. `ms` outside the years 0000..9999 gives the number as
// text.
std::string format_rfc3339(std::int64_t ms, const Timestamp& like);

}  // namespace diaryx::workspace
