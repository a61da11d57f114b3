// The four column encodings of update v2 (source: lib0 0.2.120), read and written in inner loops. A
// column is a run of octets without an end mark; readers are told where it ends.
//
//   uintOptRle     runs of equal values: varint(value), or if the run is longer than one
//                  varint(-value) varuint(count - 2). A run of zeros begins with "minus zero", 40.
//   intDiffOptRle  runs of equal differences to the value before (0 before the first):
//                  varint(2 × difference), or varint(2 × difference + 1) varuint(count - 2).
//   rleUint8       runs of equal octets: the octet, then varuint(count - 1), which the last run
//                  leaves out: its octet repeats for ever.
//   string         varstring of all texts joined, then their UTF-16 lengths as uintOptRle.
//
// Examples: 5 5 5 1 = 45 01 01; 0 1 2 3 4 = 00 03 02; 5 5 5 1 = 05 02 01; "a" "b" "c" = 03 "abc" 41
// 01
//
// Reading behind the end of a column fails, where lib0 reads zeros. Failure is a flag that sticks,
// as in var_uint.h.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <type_traits>

#include "engine/codec/wtf8.h"
#include "engine/crdt/structs/content.h"
#include "engine/crdt/structs/var_uint.h"

namespace diaryx::crdt {

// --- Reading ---
//
// A column is a row of runs. Where their lengths are as good as random, most of the time would go
// into guessing where the next one begins, wrongly. So next_steady() is for columns of one or few
// runs, and next() reads the head of the run that follows whether it is due or not, and then keeps
// it or not by masks instead of branches.

// All ones if `choice`, else 0.
inline std::uint64_t mask_of(bool choice) noexcept {
  return ~static_cast<std::uint64_t>(choice) + 1;
}
inline std::uint64_t choose(std::uint64_t mask, std::uint64_t if_set, std::uint64_t if_not) {
  return if_not ^ ((if_set ^ if_not) & mask);
}
// So many octets must be left to read the head of a run without looking where the column ends.
inline constexpr std::size_t kRunHead = 16;

class UintColumnReader {
 public:
  explicit UintColumnReader(Bytes column) : in_(column) {}
  explicit UintColumnReader(const WireReader& rest) : in_(rest) {}
  bool failed() const noexcept { return in_.failed(); }
  std::uint64_t next() noexcept {
    if (in_.remaining() < kRunHead) return next_steady();
    const bool due = count_ == 0;
    const std::uint8_t* at = in_.cursor();
    const std::uint64_t head = get_long_var_uint(at);
    const std::uint64_t counted = head >> 6U & 1U;
    const std::uint8_t count = *at;
    // Rare: a large number, or a count of two octets.
    const bool large = (head >> 52U | (counted & count >> 7U)) != 0;
    if (due & large) return next_steady();
    const std::uint64_t take = mask_of(due);
    value_ = choose(take, (head >> 7U << 6U) | (head & 0x3FU), value_);
    count_ = choose(take, 1 + (mask_of(counted != 0) & (count + 1U)), count_) - 1;
    in_.skip_unchecked(take & (static_cast<std::uint64_t>(at - in_.cursor()) + counted));
    return value_;
  }
  std::uint64_t next_steady() noexcept {
    if (count_ == 0) {
      const WireReader::VarInt head = in_.var_int();
      value_ = head.magnitude;
      count_ = head.negative ? in_.var_uint() + 2 : 1;
      if (value_ > kMaxClock) {
        in_.fail("a number above 2^53 - 1");
        value_ = 0;
      }
    }
    --count_;
    return value_;
  }

 private:
  WireReader in_;
  std::uint64_t value_ = 0;
  std::uint64_t count_ = 0;
};

// The column holds integers of either sign; as an update's clocks they are none below 0. `Value`
// says which of the two is wanted.
template <class Value>
class BasicDiffColumnReader {
 public:
  explicit BasicDiffColumnReader(Bytes column) : in_(column) {}
  bool failed() const noexcept { return in_.failed(); }
  // At most 2^53 - 1, and no less than the negative of that or 0, else it fails.
  Value next() noexcept {
    if (in_.remaining() < kRunHead) return next_steady();
    const bool due = count_ == 0;
    const std::uint8_t* at = in_.cursor();
    const std::uint64_t head = get_long_var_uint(at);
    const std::uint64_t magnitude = (head >> 7U << 6U) | (head & 0x3FU);
    const std::uint64_t negative = mask_of((head & 0x40U) != 0);
    const auto doubled = static_cast<std::int64_t>((magnitude ^ negative) - negative);
    const std::uint64_t counted = magnitude & 1U;
    const std::uint8_t count = *at;
    const bool large = (head >> 56U | (counted & count >> 7U)) != 0;
    if (due & large) return next_steady();
    const std::uint64_t take = mask_of(due);
    difference_ = static_cast<std::int64_t>(choose(take, static_cast<std::uint64_t>(doubled >> 1U),
                                                   static_cast<std::uint64_t>(difference_)));
    count_ = choose(take, 1 + (mask_of(counted != 0) & (count + 1U)), count_) - 1;
    in_.skip_unchecked(take & (static_cast<std::uint64_t>(at - in_.cursor()) + counted));
    return advance();
  }
  Value next_steady() noexcept {
    if (count_ == 0) {
      const WireReader::VarInt head = in_.var_int();
      const auto magnitude = static_cast<std::int64_t>(head.magnitude);
      const std::int64_t doubled = head.negative ? -magnitude : magnitude;
      difference_ = doubled >> 1;  // Rounds down, as Math.floor does.
      count_ = (doubled & 1) != 0 ? in_.var_uint() + 2 : 1;
    }
    --count_;
    return advance();
  }

 private:
  static constexpr auto kMost = static_cast<std::int64_t>(kMaxClock);
  static constexpr std::int64_t kLeast = std::is_signed_v<Value> ? -kMost : 0;

  Value advance() noexcept {
    value_ += difference_;
    if (value_ < kLeast || value_ > kMost) {
      in_.fail("a number outside 0 .. 2^53 - 1");
      value_ = 0;
    }
    return static_cast<Value>(value_);
  }

  WireReader in_;
  std::int64_t value_ = 0;
  std::int64_t difference_ = 0;
  std::uint64_t count_ = 0;
};
using DiffColumnReader = BasicDiffColumnReader<std::uint64_t>;
using SignedDiffColumnReader = BasicDiffColumnReader<std::int64_t>;

class OctetColumnReader {
 public:
  explicit OctetColumnReader(Bytes column) : in_(column) {}
  bool failed() const noexcept { return in_.failed(); }
  std::uint8_t next() noexcept {
    if (in_.remaining() < kRunHead) return next_steady();
    const bool due = count_ == 0;
    const std::uint8_t* at = in_.cursor();
    const std::uint8_t count = at[1];
    if (due & (count >= 0x80)) return next_steady();
    const std::uint64_t take = mask_of(due);
    value_ = static_cast<std::uint8_t>(choose(take, at[0], value_));
    count_ = choose(take, count + 1U, count_) - 1;
    in_.skip_unchecked(take & 2U);
    return value_;
  }
  std::uint8_t next_steady() noexcept {
    if (count_ == 0 && !for_ever_) {
      value_ = in_.u8();
      if (in_.remaining() == 0) {
        for_ever_ = true;  // The last run has no count.
      } else {
        count_ = in_.var_uint() + 1;
      }
    }
    if (!for_ever_) --count_;
    return value_;
  }
  // What next() gave is to be given once more.
  void put_back() noexcept {
    if (!for_ever_) ++count_;
  }

 private:
  WireReader in_;
  std::uint8_t value_ = 0;
  std::uint64_t count_ = 0;
  bool for_ever_ = false;
};

class StringColumnReader {
 public:
  explicit StringColumnReader(Bytes column);
  bool failed() const noexcept { return failed_ || lengths_.failed(); }
  // WTF-8, for a length may cut a character in two. Valid until the next call; `lasting` tells
  // whether it lives as long as the column.
  std::string_view next(bool& lasting);
  // All of it is ASCII: then octets are units, and lengths() can be read before take().
  bool plain() const noexcept { return ascii_; }
  UintColumnReader& lengths() noexcept { return lengths_; }
  std::size_t left() const noexcept { return rest_.size(); }
  // Of a plain column: its next `count` octets; they live as long as the column. Fails where there
  // are fewer.
  std::string_view take(std::uint64_t count) noexcept {
    if (count > rest_.size()) {
      failed_ = true;
      count = 0;
    }
    const std::string_view text(rest_.data(), static_cast<std::size_t>(count));
    rest_.remove_prefix(text.size());
    return text;
  }

 private:
  std::string_view rest_;
  UintColumnReader lengths_;
  bool ascii_ = false;
  bool failed_ = false;
  char16_t low_half_ = 0;  // Second half of the character before rest_, not yet given out.
  std::string scratch_;
};

// --- Writing ---

void write_var_int(WireWriter& out, std::uint64_t magnitude, bool negative);

class UintColumnWriter {
 public:
  void write(std::uint64_t value) {
    if (value == value_) {
      ++count_;
      return;
    }
    flush();
    value_ = value;
    count_ = 1;
  }
  Bytes finish() {
    flush();
    count_ = 0;
    return out_.written();
  }

 private:
  void flush() {
    if (count_ == 0) return;
    out_.reserve(3 * WireWriter::kMaxVar);
    write_var_int(out_, value_, count_ > 1);
    if (count_ > 1) out_.var_uint(count_ - 2);
  }
  WireWriter out_;
  std::uint64_t value_ = 0;
  std::uint64_t count_ = 0;
};

class DiffColumnWriter {
 public:
  // Values and their differences: magnitude below 2^53.
  void write(std::uint64_t value) { write_signed(static_cast<std::int64_t>(value)); }
  void write_signed(std::int64_t value) {
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
  Bytes finish() {
    flush();
    count_ = 0;
    return out_.written();
  }

 private:
  void flush() {
    if (count_ == 0) return;
    out_.reserve(3 * WireWriter::kMaxVar);
    const std::int64_t head = difference_ * 2 + (count_ > 1 ? 1 : 0);
    write_var_int(out_, static_cast<std::uint64_t>(head < 0 ? -head : head), head < 0);
    if (count_ > 1) out_.var_uint(count_ - 2);
  }
  WireWriter out_;
  std::int64_t value_ = 0;
  std::int64_t difference_ = 0;
  std::uint64_t count_ = 0;
};

class OctetColumnWriter {
 public:
  void write(std::uint8_t value) {
    if (count_ > 0 && value == value_) {
      ++count_;
      return;
    }
    out_.reserve(2 * WireWriter::kMaxVar);
    if (count_ > 0) out_.var_uint(count_ - 1);
    out_.u8(value);
    value_ = value;
    count_ = 1;
  }
  Bytes finish() const { return out_.written(); }  // The last run has no count.

 private:
  WireWriter out_;
  std::uint8_t value_ = 0;
  std::uint64_t count_ = 0;
};

class StringColumnWriter {
 public:
  // `shape` as an item's flags: ASCII, has surrogates.
  void write(std::string_view wtf8, std::uint8_t shape) {
    const bool ascii = (shape & Item::kAscii) != 0;
    lengths_.write(ascii ? wtf8.size() : utf16_length(wtf8));
    if ((shape & Item::kHasSurrogates) != 0) {
      surrogates_ = true;
      codec::append_wtf8(joined_, wtf8);
    } else {
      joined_.append(wtf8);
    }
  }
  // The whole column.
  Bytes finish();

 private:
  std::string joined_;
  UintColumnWriter lengths_;
  WireWriter out_;
  bool surrogates_ = false;
};

}  // namespace diaryx::crdt
