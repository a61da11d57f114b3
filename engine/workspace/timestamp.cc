#include "engine/workspace/timestamp.h"

#include <array>
#include <cstdlib>

#include <fmt/format.h>

namespace diaryx::workspace {
namespace {

constexpr std::int64_t kDayMs = 86'400'000;

// Days since 1970-01-01 in the proleptic Gregorian calendar, by counting from March, so that a leap
// day ends its year.
std::int64_t days_from_date(std::int64_t year, int month, int day) {
  if (month <= 2) --year;
  const std::int64_t era = (year >= 0 ? year : year - 399) / 400;
  const std::int64_t year_of_era = year - era * 400;
  const std::int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  const std::int64_t day_of_era =
      year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146'097 + day_of_era - 719'468;
}

struct Date {
  std::int64_t year;
  int month, day;
};
Date date_from_days(std::int64_t days) {
  days += 719'468;
  const std::int64_t era = (days >= 0 ? days : days - 146'096) / 146'097;
  const std::int64_t day_of_era = days - era * 146'097;
  const std::int64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const std::int64_t day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::int64_t shifted = (5 * day_of_year + 2) / 153;
  const int month = static_cast<int>(shifted < 10 ? shifted + 3 : shifted - 9);
  return {year_of_era + era * 400 + (month <= 2 ? 1 : 0), month,
          static_cast<int>(day_of_year - (153 * shifted + 2) / 5 + 1)};
}

// Reads fixed-width numbers and separators from the front.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}
  int number(std::size_t width) {
    if (rest_.size() < width) return fail();
    int value = 0;
    for (std::size_t i = 0; i < width; ++i) {
      if (rest_[i] < '0' || rest_[i] > '9') return fail();
      value = value * 10 + (rest_[i] - '0');
    }
    rest_.remove_prefix(width);
    return value;
  }
  char one_of(std::string_view choices) {
    if (rest_.empty() || choices.find(rest_.front()) == std::string_view::npos) {
      ok_ = false;
      return '\0';
    }
    const char c = rest_.front();
    rest_.remove_prefix(1);
    return c;
  }
  bool starts_with(char c) const { return !rest_.empty() && rest_.front() == c; }
  bool done() const { return ok_ && rest_.empty(); }
  bool ok() const { return ok_; }

 private:
  int fail() {
    ok_ = false;
    return 0;
  }
  std::string_view rest_;
  bool ok_ = true;
};

int days_in_month(int year, int month) {
  static constexpr std::array<int, 12> kDays = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  return kDays[static_cast<std::size_t>(month - 1)] + (month == 2 && leap ? 1 : 0);
}

}  // namespace

std::optional<Timestamp> parse_rfc3339(std::string_view text) {
  Scanner in(text);
  const int year = in.number(4);
  in.one_of("-");
  const int month = in.number(2);
  in.one_of("-");
  const int day = in.number(2);
  in.one_of("Tt ");
  const int hour = in.number(2);
  in.one_of(":");
  const int minute = in.number(2);
  in.one_of(":");
  const int second = in.number(2);
  if (!in.ok() || month < 1 || month > 12 || day < 1 || day > days_in_month(year, month) ||
      hour > 23 || minute > 59 || second > 60) {
    return std::nullopt;
  }
  Timestamp stamp;
  stamp.fraction = in.starts_with('.');
  int milliseconds = 0;
  if (stamp.fraction) {
    in.one_of(".");
    int digits = 0;
    for (; in.ok() && !in.starts_with('Z') && !in.starts_with('z') && !in.starts_with('+') &&
           !in.starts_with('-');
         ++digits) {
      const int digit = in.number(1);
      if (digits < 3) milliseconds = milliseconds * 10 + digit;
    }
    if (digits == 0) return std::nullopt;
    for (; digits < 3; ++digits) milliseconds *= 10;
  }
  const char zone = in.one_of("Zz+-");
  stamp.utc_letter = zone == 'Z' || zone == 'z';
  if (zone == '+' || zone == '-') {
    const int hours = in.number(2);
    in.one_of(":");
    const int minutes = in.number(2);
    if (hours > 23 || minutes > 59) return std::nullopt;
    stamp.offset_minutes = (hours * 60 + minutes) * (zone == '-' ? -1 : 1);
  }
  if (!in.done()) return std::nullopt;
  const std::int64_t seconds =
      (hour * 60 + minute) * 60 + second - std::int64_t{stamp.offset_minutes} * 60;
  stamp.ms = days_from_date(year, month, day) * kDayMs + seconds * 1000 + milliseconds;
  return stamp;
}

std::string format_rfc3339(std::int64_t ms, const Timestamp& like) {
  constexpr std::int64_t kFarMs = 300'000'000'000'000;
  if (ms < -kFarMs || ms > kFarMs) return std::to_string(ms);
  const std::int64_t local = ms + std::int64_t{like.offset_minutes} * 60'000;
  std::int64_t days = local / kDayMs;
  if (local % kDayMs < 0) --days;
  const std::int64_t in_day = local - days * kDayMs;
  const Date date = date_from_days(days);
  if (date.year < 0 || date.year > 9999) return std::to_string(ms);
  std::string out =
      fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", date.year, date.month, date.day,
                  in_day / 3'600'000, in_day / 60'000 % 60, in_day / 1000 % 60);
  if (like.fraction) out += fmt::format(".{:03}", in_day % 1000);
  if (like.utc_letter) return out + "Z";
  const int offset = std::abs(like.offset_minutes);
  return out + fmt::format("{}{:02}:{:02}", like.offset_minutes < 0 ? '-' : '+', offset / 60,
                           offset % 60);
}

}  // namespace diaryx::workspace
