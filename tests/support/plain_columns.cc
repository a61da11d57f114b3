#include "tests/support/plain_columns.h"

#include <fmt/format.h>

#include "engine/base/utf.h"
#include "engine/codec/writer.h"
#include "engine/codec/wtf8.h"

namespace diaryx::test {
namespace {

using codec::append_utf16_unit;
using codec::append_wtf8;
using codec::kMaxSafeInteger;
using codec::Reader;
using codec::replace_lone_surrogates;
using codec::Writer;

constexpr std::int64_t kMaxSigned = static_cast<std::int64_t>(kMaxSafeInteger);
// Twice the largest difference of two values, plus the bit for a run.
constexpr std::uint64_t kMaxDoubled = 4 * kMaxSafeInteger + 1;

}  // namespace

void UintOptRleWriter::write(std::uint64_t value) {
  if (value == value_) {
    ++count_;
    return;
  }
  flush();
  value_ = value;
  count_ = 1;
}

void UintOptRleWriter::flush() {
  if (count_ == 0) return;
  Writer out(out_);
  out.var_int(value_, count_ > 1);
  if (count_ > 1) out.var_uint(count_ - 2);
}

Buffer UintOptRleWriter::finish() {
  flush();
  return std::move(out_);
}

Result<std::uint64_t> UintOptRleReader::next() {
  if (count_ == 0) {
    DX_TRY(const Reader::VarInt head, in_.var_int());
    std::uint64_t more = 0;
    if (head.negative) {
      DX_TRY(const std::uint64_t stored, in_.var_uint());
      more = stored + 1;
    }
    value_ = head.magnitude;
    count_ = more + 1;
  }
  --count_;
  return value_;
}

void IntDiffOptRleWriter::write(std::int64_t value) {
  const std::int64_t difference = value - value_;
  value_ = value;
  if (difference == difference_) {
    ++count_;
    return;
  }
  flush();
  difference_ = difference;
  count_ = 1;
}

void IntDiffOptRleWriter::flush() {
  if (count_ == 0) return;
  Writer out(out_);
  const std::int64_t head = difference_ * 2 + (count_ > 1 ? 1 : 0);
  out.var_int(static_cast<std::uint64_t>(head < 0 ? -head : head), head < 0);
  if (count_ > 1) out.var_uint(count_ - 2);
}

Buffer IntDiffOptRleWriter::finish() {
  flush();
  return std::move(out_);
}

Result<std::int64_t> IntDiffOptRleReader::next() {
  if (count_ == 0) {
    DX_TRY(const Reader::VarInt head, in_.var_int(kMaxDoubled));
    const auto magnitude = static_cast<std::int64_t>(head.magnitude);
    const std::int64_t doubled = head.negative ? -magnitude : magnitude;
    std::uint64_t more = 0;
    if ((head.magnitude & 1U) != 0) {
      DX_TRY(const std::uint64_t stored, in_.var_uint());
      more = stored + 1;
    }
    // Rounds down: -7 stands for a run of -4.
    difference_ = (doubled - static_cast<std::int64_t>(head.magnitude & 1U)) / 2;
    count_ = more + 1;
  }
  // No overflow: the sum stays below 2^55.
  const std::int64_t value = value_ + difference_;
  if (value > kMaxSigned || value < -kMaxSigned) {
    return Error{ErrorCode::Malformed, "column of differences leaves the safe integers"};
  }
  --count_;
  value_ = value;
  return value;
}

void RleUint8Writer::write(std::uint8_t value) {
  if (count_ > 0 && value == value_) {
    ++count_;
    return;
  }
  Writer out(out_);
  if (count_ > 0) out.var_uint(count_ - 1);
  out.u8(value);
  value_ = value;
  count_ = 1;
}

Buffer RleUint8Writer::finish() {
  return std::move(out_);
}

Result<std::uint8_t> RleUint8Reader::next() {
  if (for_ever_) return value_;
  if (count_ == 0) {
    DX_TRY(const std::uint8_t value, in_.u8());
    if (in_.at_end()) {
      for_ever_ = true;
      value_ = value;
      return value;
    }
    DX_TRY(const std::uint64_t stored, in_.var_uint());
    value_ = value;
    count_ = stored + 1;
  }
  --count_;
  return value_;
}

void StringColumnWriter::write(std::string_view wtf8) {
  append_wtf8(joined_, wtf8);
  lengths_.write(utf16_length(wtf8));
}

Buffer StringColumnWriter::finish() {
  Buffer column;
  Writer out(column);
  out.var_string(replace_lone_surrogates(joined_));
  out.bytes(lengths_.finish());
  return column;
}

StringColumnReader::StringColumnReader(std::string_view joined, Bytes lengths)
    : rest_(joined), lengths_(lengths), ascii_(is_ascii(joined)) {}

Result<StringColumnReader> StringColumnReader::open(Bytes column) {
  Reader in(column);
  DX_TRY(const std::string_view joined, in.var_string());
  return StringColumnReader(joined, in.rest());
}

Result<std::string_view> StringColumnReader::next() {
  DX_TRY(const std::uint64_t units, lengths_.next());
  const std::size_t half = low_half_ != 0 ? 1 : 0;
  // An octet is at most one unit, so this also bounds the sum below.
  if (units > rest_.size() + half) {
    return Error{ErrorCode::Malformed,
                 fmt::format("string column: text of {} units is longer than what is left", units)};
  }
  if (ascii_) {
    const std::string_view text = rest_.substr(0, static_cast<std::size_t>(units));
    rest_.remove_prefix(text.size());
    return text;
  }
  if (units == 0) return std::string_view();
  const std::size_t wanted = static_cast<std::size_t>(units) - half;
  const Utf8Offset end = utf8_offset(rest_, wanted);
  const std::string_view whole = rest_.substr(0, end.bytes);
  if (utf16_length(whole) + (end.inside_surrogates ? 1 : 0) < wanted) {
    return Error{ErrorCode::Malformed,
                 fmt::format("string column: text of {} units is longer than what is left", units)};
  }
  rest_.remove_prefix(whole.size());
  if (half == 0 && !end.inside_surrogates) return whole;

  scratch_.clear();
  if (half != 0) append_utf16_unit(scratch_, low_half_);
  low_half_ = 0;
  scratch_ += whole;
  if (end.inside_surrogates) {
    const CodePoint cut = code_point_at(rest_, 0);
    append_utf16_unit(scratch_, static_cast<char16_t>(0xD800 + ((cut.value - 0x10000) >> 10U)));
    low_half_ = static_cast<char16_t>(0xDC00 + ((cut.value - 0x10000) & 0x3FFU));
    rest_.remove_prefix(cut.bytes);
  }
  return std::string_view(scratch_);
}

}  // namespace diaryx::test
